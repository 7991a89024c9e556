import t from "tap";
import { answersOf, type Document, type Schema } from "../support/arbitraries.ts";
import { createValidator, readDocument } from "../support/document.ts";

const document: Document = await readDocument();
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

const ajv = createValidator(document);

function mismatch(schema: Schema, example: unknown): string | undefined {
  const isValid = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')));
  return isValid(example) ? undefined : ajv.errorsText(isValid.errors);
}

/** The paths of properties that do not say what they are, themselves or by what they refer to. */
function undescribed(schema: Schema, path: string): string[] {
  const inside = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    ...(isDescribed(property) ? [] : [`${path}.${name}`]),
    ...undescribed(property, `${path}.${name}`),
  ]);
  return [...properties, ...inside.flatMap((one) => undescribed(one, path))];
}

function isDescribed({ description, $ref, anyOf = [] }: Schema): boolean {
  if (description !== undefined) return true;
  const found = $ref === undefined ? undefined : document.components.schemas[$ref.split("/").at(-1) ?? ""];
  return found?.description !== undefined || anyOf.some(isDescribed);
}

t.test("every schema and property says what it is", async (t) => {
  const schemas = Object.entries(document.components.schemas);
  t.ok(schemas.length > 80);
  t.same(
    schemas.filter(([, schema]) => !isDescribed(schema)).map(([name]) => name),
    [],
  );
  t.same(
    schemas.flatMap(([name, schema]) => undescribed(schema, name)),
    [],
  );
  const inline = operations.flatMap(({ operationId, requestBody, responses }) =>
    [requestBody, ...Object.values(responses)].flatMap((one) =>
      Object.values((one !== undefined && "content" in one && one.content) || {}).flatMap(({ schema }) =>
        undescribed(schema, operationId),
      ),
    ),
  );
  t.same(inline, []);
});

t.test("every operation and parameter says what it is, and shows what is sent and answered", async (t) => {
  t.ok(operations.length > 80);
  for (const operation of operations) {
    const { operationId: name, summary, description, parameters = [], requestBody, responses } = operation;
    t.match({ summary, description }, { summary: /^[A-Z].*[^.]$/, description: /^[A-Z].{20,}\.$/s }, name);
    t.same(
      parameters.filter((parameter) => parameter.description === undefined).map((one) => one.name),
      [],
      name,
    );
    for (const [type, { schema, example }] of Object.entries(requestBody?.content ?? {})) {
      // A body without fields need not be sent.
      if (schema.type === "object" && Object.keys(schema.properties ?? {}).length === 0) continue;
      if (type === "application/x-ndjson") continue;
      t.not(example, undefined, `${name} has an example of its body`);
      t.equal(mismatch(schema, example), undefined, name);
    }
    for (const [status, { content = {} }] of Object.entries(responses).filter(([one]) => one.startsWith("2")) as any) {
      const shown = Object.values<any>(content).filter(({ example }) => example !== undefined);
      for (const { schema, example } of shown) t.equal(mismatch(schema, example), undefined, `${name} ${status}`);
    }
    const isShown = Object.values(responses).some((answers) =>
      Object.values(("content" in answers && answers.content) || {}).some(({ example }) => example !== undefined),
    );
    t.ok(
      isShown || "204" in responses || /^(openapiJson|schemaGraphql)$/.test(name),
      `${name} has an example of its answer`,
    );
  }
});

t.test("every error answer shows a problem for each of its codes", async (t) => {
  const { examples = {} } = document.components;
  for (const operation of operations) {
    for (const status of Object.keys(operation.responses).filter((one) => Number(one) >= 400)) {
      const media = answersOf(document, operation, status)?.content?.["application/problem+json"];
      const codes = Object.keys(media?.examples ?? {});
      t.ok(codes.length > 0, `${operation.operationId} ${status}`);
      for (const code of codes) {
        t.match(examples[code]?.value, { code, status: Number(status) }, `${operation.operationId} ${code}`);
        t.equal(mismatch(media?.schema ?? {}, examples[code]?.value), undefined);
      }
    }
  }
});

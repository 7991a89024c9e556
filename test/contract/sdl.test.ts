import { readFile } from "node:fs/promises";
import {
  buildSchema,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from "graphql";
import t from "tap";

interface Described {
  place: string;
  description: string | null | undefined;
}

/** Words that say nothing by themselves. */
const FILLERS = new Set(
  "a an and are as by for in is it its of on or our s that the their them this to what which".split(" "),
);
const WORDS_MIN = 3;

function wordsOf(text: string): string[] {
  return text
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** What is wrong with a description, if anything: one that only says the name again says nothing. */
function faultOf({ place, description }: Described): string | undefined {
  const words = wordsOf(description ?? "");
  if (words.length === 0) return "has none";
  if (words.length < WORDS_MIN) return `is too short: ${description}`;
  const named = new Set(wordsOf(place).flatMap((word) => [word, word.replace(/s$/, "")]));
  const news = words.filter((word) => !FILLERS.has(word) && !named.has(word) && !named.has(word.replace(/s$/, "")));
  return news.length === 0 ? `only says its name again: ${description}` : undefined;
}

function describedIn(type: GraphQLNamedType): Described[] {
  const { name, description } = type;
  if (isEnumType(type)) {
    const values = type
      .getValues()
      .map((value) => ({ place: `${name}.${value.name}`, description: value.description }));
    return [{ place: name, description }, ...values];
  }
  if (!isObjectType(type) && !isInputObjectType(type)) return [{ place: name, description }];
  const fields = Object.values(type.getFields()).map((field) => ({
    place: `${name}.${field.name}`,
    description: field.description,
  }));
  const args = isObjectType(type)
    ? Object.values(type.getFields()).flatMap((field) =>
        field.args.map((arg) => ({ place: `${name}.${field.name}(${arg.name})`, description: arg.description })),
      )
    : [];
  return [{ place: name, description }, ...fields, ...args];
}

const sdl = await readFile(new URL("../../openapi/schema.graphql", import.meta.url), "utf8");
const schema = buildSchema(sdl);
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !(isScalarType(type) && isSpecifiedScalarType(type)),
);

t.test("every type, field, argument and enum value of the SDL says more than its name", async (t) => {
  const described = types.flatMap(describedIn);
  t.ok(described.length > 600, `${described.length} descriptions`);
  const faults = described.flatMap((one) => {
    const fault = faultOf(one);
    return fault === undefined ? [] : [`${one.place} ${fault}`];
  });
  t.same(faults, []);
});

t.test("every field that may be null says when it is", async (t) => {
  const silent = types.flatMap((type) =>
    isObjectType(type)
      ? Object.values(type.getFields())
          .filter((field) => !isNonNullType(field.type) && !/\bnull\b/.test(field.description ?? ""))
          .map((field) => `${type.name}.${field.name}: ${field.description}`)
      : [],
  );
  t.same(silent, []);
});

t.test("the rule finds what says nothing", async (t) => {
  for (const [place, description] of [
    ["Case.id", undefined],
    ["Case.id", "Ours"],
    ["CaseGroup.cases", "How many"],
    ["Case.openedAt", "The case's opened at"],
    ["CaseStatus.CLOSED", "The case is closed"],
    ["Query.case(id)", "The id of the case"],
  ] as const) {
    t.ok(faultOf({ place, description }), `${place}: ${description}`);
  }
  t.notOk(faultOf({ place: "Response.score", description: "0 to 10, as answered" }));
});

import { readFile } from "node:fs/promises";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import type { Document, Operation, Schema } from "../support/arbitraries.ts";
import { blank, callOf, contentOf, keysOf, leaked, makerOf, send, swapIds } from "../support/matrix/asking.ts";
import { OPERATIONS } from "../support/matrix/operations.ts";
import type { Ids } from "../support/matrix/things.ts";
import { startService } from "../support/service.ts";

const document: Document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
const documented = new Map(
  Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
  ),
);

/** The names of what a schema says is an id. */
function idsIn(schema: Schema, name = ""): string[] {
  if (schema.$ref !== undefined) {
    return idsIn(document.components.schemas[schema.$ref.replace("#/components/schemas/", "")] ?? {}, name);
  }
  const inside = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => idsIn(value, key));
  const parts = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  return [...inside, ...parts.flatMap((part) => idsIn(part, name)), ...(schema.format === "uuid" ? [name] : [])];
}

/** Every parameter and field of an operation that takes an id. */
const idsOf = ({ parameters = [], requestBody }: Operation): string[] => [
  ...parameters.flatMap(({ name, schema }) => idsIn(schema, name)),
  ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => idsIn(schema)),
];

t.test("every operation of the document has a case here, which tries all its ids", async (t) => {
  t.same(Object.keys(OPERATIONS).toSorted(), [...documented.keys()].toSorted());
  for (const [name, operation] of documented) {
    const known = OPERATIONS[name];
    if (known === undefined) continue;
    const marked: Ids = new Proxy({}, { get: (_, id) => String(id) });
    const { url, body } = callOf(name, known, marked);
    for (const id of idsOf(operation)) {
      const isTried = name.includes(`{${id}}`) || url.includes(`${id}=`) || JSON.stringify(body)?.includes(`"${id}":`);
      t.ok(isTried, `${name} takes ${id}`);
    }
    t.equal(operation.security?.length === 0, known.scope === "public", `${name} is ${known.scope}`);
  }
});

t.test("every operation, by who calls it", async (t) => {
  const service = await startService(t);
  const [ours, theirs] = [await service.newClient(), await service.newClient()];
  const keys = keysOf(ours);

  t.test("without a credential, or with a wrong one, it is 401", async (t) => {
    for (const [name, known] of Object.entries(OPERATIONS)) {
      if (known.scope === "public") continue;
      // Nobody gets as far as to see that none of these exists.
      const call = callOf(name, known, new Proxy({}, { get: () => newId() }));
      const wrong = `${ours.apiKey.slice(0, -1)}${ours.apiKey.endsWith("0") ? "1" : "0"}`;
      for (const key of [undefined, wrong]) {
        const { status, headers, text } = await send(service, call, key);
        t.match(
          { status, headers, ...JSON.parse(text) },
          {
            status: 401,
            code: "unauthenticated",
            headers: { "www-authenticate": "Bearer", "content-type": /^application\/problem\+json/ },
          },
          name,
        );
      }
      if (call.method === "GET")
        t.equal((await send(service, { ...call, method: "HEAD" })).status, 401, `HEAD ${name}`);
    }
  });

  t.test("with every scope but its own it is 403, and names it; with its own alone it succeeds", async (t) => {
    for (const [name, known] of Object.entries(OPERATIONS)) {
      const { scope } = known;
      const call = callOf(name, known, (await known.ids?.(ours)) ?? {});
      if (scope.includes(":")) {
        const { status, text } = await send(service, call, await keys.without(scope));
        t.match({ status, ...JSON.parse(text) }, { status: 403, code: "forbidden", detail: new RegExp(scope) }, name);
      }
      const { status, text } = await send(service, call, scope === "public" ? undefined : await keys.only(scope));
      t.equal(status, known.status, `${name}: ${text.slice(0, 300)}`);
    }
  });

  t.test(
    "another workspace's ids are answered as unknown ones, and nothing of theirs is shown or changed",
    async (t) => {
      const tried: [string, Ids][] = [];
      for (const [name, { ids }] of Object.entries(OPERATIONS)) if (ids) tried.push([name, await ids(theirs)]);
      const before = await contentOf(theirs);
      let count = 0;
      for (const [name, ids] of tried) {
        const known = OPERATIONS[name];
        if (known === undefined) continue;
        const swaps = await swapIds(
          (sent) => callOf(name, known, sent),
          makerOf(name, known, ours),
          ids,
          (call) => send(service, call, known.scope === "public" ? undefined : ours.apiKey),
        );
        for (const { name: id, foreign, unknown } of swaps) {
          count += 1;
          t.same(blank(foreign.reply, foreign.sent), blank(unknown.reply, unknown.sent), `${name}, ${id}`);
          t.same(leaked(foreign.reply, foreign.sent, before.ids), [], `${name}, ${id}: shows nothing of theirs`);
          const { status } = foreign.reply;
          if (name.includes("{id}") && id === "id") t.equal(status, 404, `${name}: ${foreign.reply.text}`);
        }
      }
      t.ok(count > 90, `tried ${count} ids`);
      t.equal((await contentOf(theirs)).text, before.text, "nothing of theirs has changed");
    },
  );
});

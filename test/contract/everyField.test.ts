import { type GraphQLArgument, GraphQLID, type GraphQLInputField, getNamedType, isInputObjectType } from "graphql";
import t from "tap";
import { blank, type Call, contentOf, keysOf, leaked, makerOf, send, swapIds } from "../support/matrix/asking.ts";
import { DOCUMENTED_FIELDS, fieldCallOf } from "../support/matrix/fieldCalls.ts";
import { FIELDS } from "../support/matrix/fields.ts";
import type { Ids } from "../support/matrix/things.ts";
import { startService } from "../support/service.ts";

/** The names of what takes an id, in an argument and inside it. */
function idsIn({ name, type }: GraphQLArgument | GraphQLInputField): string[] {
  const named = getNamedType(type);
  if (isInputObjectType(named)) return Object.values(named.getFields()).flatMap(idsIn);
  return named === GraphQLID ? [name] : [];
}

t.test("every field of Query and Mutation has a case here, which tries all its ids", async (t) => {
  t.same(Object.keys(FIELDS).toSorted(), [...DOCUMENTED_FIELDS.keys()].toSorted());
  for (const [place, { args }] of DOCUMENTED_FIELDS) {
    const { variables } = fieldCallOf(place, new Proxy({}, { get: (_, id) => String(id) })).body as {
      variables: object;
    };
    const tried = JSON.stringify(variables);
    // Of `id` and `externalId` one is given, not both.
    for (const id of args.flatMap(idsIn)) t.ok(tried.includes(`"${id}":`), `${place} takes ${id}`);
  }
});

t.test("every field, by who asks", async (t) => {
  const service = await startService(t);
  const [ours, theirs] = [await service.newClient(), await service.newClient()];
  const keys = keysOf(ours);

  t.test("with every scope but its own it is forbidden, and names it; with its own alone it succeeds", async (t) => {
    for (const [place, { scope, ids }] of Object.entries(FIELDS)) {
      const call = fieldCallOf(place, (await ids?.(ours)) ?? {});
      const name = place.split(".")[1] ?? "";
      t.equal((await send(service, call)).status, 401, place);
      const refused = await send(service, call, await keys.without(scope));
      t.match(
        JSON.parse(refused.text).errors,
        [{ message: new RegExp(scope), extensions: { code: "forbidden" } }],
        place,
      );
      t.notOk(JSON.parse(refused.text).data?.[name], `${place} is not told`);
      // What it leads to asks for scopes of its own.
      const isLinked = place === "Query.response";
      const { text } = await send(service, call, isLinked ? ours.apiKey : await keys.only(scope));
      t.equal(JSON.parse(text).errors, undefined, `${place}: ${text.slice(0, 300)}`);
      t.ok(JSON.parse(text).data[name], `${place}: ${text.slice(0, 300)}`);
    }
  });

  t.test(
    "another workspace's ids are answered as unknown ones, and nothing of theirs is shown or changed",
    async (t) => {
      const tried: [string, Ids][] = [];
      for (const [place, { ids }] of Object.entries(FIELDS)) if (ids) tried.push([place, await ids(theirs)]);
      const before = await contentOf(theirs);
      let count = 0;
      for (const [place, ids] of tried) {
        const make = makerOf(place, FIELDS[place] ?? {}, ours);
        const ask = (call: Call) => send(service, call, ours.apiKey);
        for (const { name, foreign, unknown } of await swapIds((sent) => fieldCallOf(place, sent), make, ids, ask)) {
          count += 1;
          t.same(blank(foreign.reply, foreign.sent), blank(unknown.reply, unknown.sent), `${place}, ${name}`);
          t.same(leaked(foreign.reply, foreign.sent, before.ids), [], `${place}, ${name}: shows nothing of theirs`);
        }
      }
      t.ok(count > 60, `tried ${count} ids`);
      t.equal((await contentOf(theirs)).text, before.text, "nothing of theirs has changed");
    },
  );
});

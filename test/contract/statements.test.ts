import { Client } from "pg";
import t from "tap";
import { startService } from "../support/service.ts";

/** Every statement that any connection of this process sends, from now on. */
function countStatements(): () => number {
  const query = Reflect.get(Client.prototype, "query") as (this: Client, ...args: unknown[]) => unknown;
  let count = 0;
  Object.assign(Client.prototype, {
    query(this: Client, ...args: unknown[]) {
      count += 1;
      return query.apply(this, args);
    },
  });
  return () => count;
}

t.test("a page of any size, with every link, costs the same number of statements", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  for (let index = 0; index < 60; index += 1) {
    const account = { externalId: `a-${index % 20}`, annualValue: index };
    const person = { externalId: `u-${index % 40}`, account };
    await client.post("/v1/responses", { score: index % 7, survey: { key: `s-${index % 5}` }, person });
  }
  const statements = countStatements();
  // Of three times the least: beside a request its key may be looked up anew, or marked as used.
  const cost = async (ask: () => Promise<unknown>) => {
    const costs: number[] = [];
    while (costs.length < 3) {
      const before = statements();
      await ask();
      costs.push(statements() - before);
    }
    return Math.min(...costs);
  };
  const queries = {
    responses: `responses(first: $first) { totalCount edges { node { score survey { key } case { id responses { id } person { name } }
      person { name account { name } responses(first: 3) { score } cases { id } } account { name people(first: 2) { name } } } } }`,
    cases: `cases(first: $first) { totalCount edges { node { priorityScore clocks { state } activities { type } commitments { id }
      references { system } previousCase { id } person { name cases(first: 2) { id } }
      account { name } responses { score survey { key } person { name } } } } }`,
    accounts: `accounts(first: $first) { totalCount edges { node { name people(first: 3) { name responses(first: 2) { score case { id } } } } } }`,
  };
  for (const [name, query] of Object.entries(queries)) {
    const ask = (first: number) => cost(() => client.query(`query ($first: Int) { ${query} }`, { first }));
    await ask(1);
    const [one, five, all] = [await ask(2), await ask(7), await ask(50)];
    t.equal(five, one, name);
    t.equal(all, one, `${name}: ${one} statements`);
    t.ok(one < 40, `${name}: ${one} statements`);
  }
  for (const path of ["/v1/responses", "/v1/people", "/v1/accounts", "/v1/cases"]) {
    const ask = (limit: number) => cost(() => client.get(`${path}?limit=${limit}`));
    t.equal(await ask(2), await ask(100), path);
  }
});

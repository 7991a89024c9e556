import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { newId } from "../../src/platform/ids.ts";
import type { EndpointFilter } from "../../src/webhooks/model.ts";
import { lockEndpoint } from "../../src/webhooks/queries.ts";
import { relayEvents } from "../../src/webhooks/relaying.ts";
import { takes } from "../../src/webhooks/taking.ts";
import { callerIn, event, insertEndpoint, relayAll, write } from "../support/events.ts";
import { printed, startProgram } from "../support/program.ts";
import { type Client, startService } from "../support/service.ts";

/** What is to be sent, in the order it was made. */
const deliveriesOf = async (client: Client): Promise<Record<string, unknown>[]> => {
  // The queue is of all workspaces, and joined with nothing: a cluster has it elsewhere.
  const queue = await client.rows(
    `select delivery_id as delivery, due_at = 'infinity' as waits, due_at <= now() as due
     from delivery_queue where workspace_id = '${client.workspaceId}'`,
  );
  const deliveries = await client.rows(
    `select d.id, d.endpoint_id as endpoint, d.event_type as type, d.status, e.data->'n' as n
     from webhook_deliveries d left join events e on e.workspace_id = d.workspace_id and e.id = d.event_id order by d.id`,
  );
  return deliveries.map(({ id, ...delivery }): Record<string, unknown> => {
    const queued = queue.find((one) => one["delivery"] === id);
    return { ...delivery, waits: queued?.["waits"] ?? null, due: queued?.["due"] ?? null };
  });
};

/** Those that are not relayed; the owner of the tables sees those of every workspace. */
const waitingIn = (client: Client) =>
  client.rows(`select 1 from event_queue where workspace_id = '${client.workspaceId}'`);

t.test("relaying", async (t) => {
  const service = await startService(t);

  t.test("gives events their places, and endpoints those of their types, once", async (t) => {
    const client = await service.newClient();
    const recorded = await insertEndpoint(client, { types: ["response.recorded", "case.opened"] });
    const paused = await insertEndpoint(client, { types: ["response.recorded"], status: "PAUSED" });
    await insertEndpoint(client, { types: ["response.recorded"], status: "DISABLED" });
    await insertEndpoint(await service.newClient(), { types: ["response.recorded"] });
    await client.post("/v1/responses", { score: 9 });
    await client.post("/v1/responses", { score: 3 });
    const before = await client.rows("select 1 from events where position is not null");
    t.equal(before.length, 0);
    t.equal(await relayAll(service), 3);
    t.equal(await relayAll(service), 0);
    t.same(await waitingIn(client), []);
    t.same(await client.rows("select type, position from events order by position"), [
      { type: "response.recorded", position: 1 },
      { type: "case.opened", position: 2 },
      { type: "response.recorded", position: 3 },
    ]);
    const delivery = (endpoint: string, type: string, waits: boolean) => ({
      endpoint,
      type,
      status: "PENDING",
      waits,
      due: !waits,
      n: null,
    });
    t.same(await deliveriesOf(client), [
      delivery(recorded, "response.recorded", false),
      delivery(paused, "response.recorded", true),
      delivery(recorded, "case.opened", false),
      delivery(recorded, "response.recorded", false),
      delivery(paused, "response.recorded", true),
    ]);
  });

  t.test("goes by the filter, and by what a case's answers say", async (t) => {
    const client = await service.newClient();
    const answer = { score: 2, survey: { key: "spring" }, account: { externalId: "acme", segment: "ENTERPRISE" } };
    const types = ["response.recorded", "case.opened"];
    const spring = await insertEndpoint(client, { types, filter: { surveyKeys: ["spring"], dangerZone: true } });
    await insertEndpoint(client, { types, filter: { surveyKeys: ["autumn"] } });
    await insertEndpoint(client, { types, filter: { surveyKeys: ["spring"], categories: ["PROMOTER"] } });
    const urgent = await insertEndpoint(client, {
      types,
      filter: { priorities: ["URGENT", "HIGH", "NORMAL", "LOW"], segments: ["ENTERPRISE"] },
    });
    await client.post("/v1/responses", answer);
    await relayAll(service);
    t.same(
      (await deliveriesOf(client)).map(({ endpoint, type }) => [type, endpoint]),
      [
        ["case.opened", spring],
        ["case.opened", urgent],
        ["response.recorded", spring],
      ],
    );
  });

  t.test("of many workers at once gives each event one place, without a gap", async (t) => {
    const clients = [await service.newClient(), await service.newClient()];
    for (const client of clients) {
      await insertEndpoint(client, { types: ["case.opened"] });
      for (let n = 0; n < 15; n += 1) {
        await write(
          service,
          client,
          Array.from({ length: 100 }, (_, i) => event("case.opened", { n: n * 100 + i })),
        );
      }
    }
    const relayed = await Promise.all(Array.from({ length: 4 }, () => relayAll(service)));
    t.equal(
      relayed.reduce((sum, count) => sum + count, 0),
      3_000,
    );
    for (const client of clients) {
      const [places] = await client.rows(
        "select count(distinct position)::int as places, max(position)::int as last from events",
      );
      t.same(places, { places: 1_500, last: 1_500 });
      t.same(await client.rows("select last_position::int as counter from event_positions"), [{ counter: 1_500 }]);
      const numbers = (await deliveriesOf(client)).map(({ n }) => n as number);
      t.same(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 1_500 }, (_, n) => n),
        "and is delivered once",
      );
    }
  });

  t.test("goes on in other workspaces where one fails", async (t) => {
    const clients = [await service.newClient(), await service.newClient(), await service.newClient()];
    const broken = clients[1] as Client;
    for (const client of clients) await write(service, client, [event("case.opened")]);
    // A counter that cannot count.
    await broken.rows(`insert into event_positions values ('${broken.workspaceId}', 9223372036854775807)`);
    await t.rejects(relayAll(service), /out of range/);
    const left = await Promise.all(clients.map(waitingIn));
    t.same(
      left.map(({ length }) => length),
      [0, 1, 0],
    );
    await broken.rows("update event_positions set last_position = 7");
    t.equal(await relayAll(service), 1);
    t.same(await broken.rows("select position from events"), [{ position: 8 }]);
  });

  t.test("waits for no endpoint that is being changed, and holds up nobody else", async (t) => {
    const clients = [await service.newClient(), await service.newClient()];
    const [held, free] = clients as [Client, Client];
    const id = await insertEndpoint(held, { types: ["case.opened"] });
    for (const client of clients) await write(service, client, [event("case.opened")]);
    await service.tenancy.inWorkspace(callerIn(held), async (tx) => {
      await lockEndpoint(tx, id, "update");
      t.equal(await relayEvents(service.tenancy), 1);
      t.same(
        [await waitingIn(held), await waitingIn(free)].map(({ length }) => length),
        [1, 0],
      );
    });
    t.equal(await relayEvents(service.tenancy), 1);
    t.equal((await deliveriesOf(held)).length, 1);
  });

  t.test("is what a worker does all the time", async (t) => {
    const client = await service.newClient();
    const worker = startProgram(["worker"], { env: { DATABASE_URL: service.url } });
    await printed(worker, /"(working)"/);
    for (let n = 1; n <= 3; n += 1) {
      await write(service, client, [event("case.opened")]);
      for (let tries = 0; tries < 200 && (await waitingIn(client)).length > 0; tries += 1) await sleep(20);
      t.same(await client.rows("select max(position)::int as last from events"), [{ last: n }]);
    }
    worker.child.kill("SIGTERM");
    t.equal(await worker.exit, 0, worker.output());
  });

  t.test("passes over an event that was deleted meanwhile", async (t) => {
    const client = await service.newClient();
    await write(service, client, [event("case.opened", { n: 1 }), event("case.opened", { n: 2 })]);
    await client.rows("delete from events where data->>'n' = '1'");
    t.equal(await relayAll(service), 1);
    t.same(await client.rows("select position from events"), [{ position: 1 }]);
    t.same(await waitingIn(client), []);
  });
});

t.test("an endpoint takes what its types and every term of its filter say", async (t) => {
  const response = {
    survey: { key: "s", kind: "RELATIONSHIP" },
    account: { segment: "SMB" },
    category: "DETRACTOR",
    dangerZone: false,
  };
  const answers = [
    { surveyKey: "s", category: "DETRACTOR", dangerZone: true },
    { surveyKey: "u", category: "PROMOTER", dangerZone: false },
  ];
  const followUp = { responses: answers, account: { segment: "SMB" }, priority: "HIGH", assignee: "ana" };
  const cases: [EndpointFilter, { response: boolean; case: boolean }][] = [
    [{}, { response: true, case: true }],
    [{ surveyKeys: ["s"] }, { response: true, case: true }],
    [{ surveyKeys: ["u", "v"] }, { response: false, case: true }],
    [{ surveyKeys: [] }, { response: false, case: false }],
    [{ segments: ["SMB"] }, { response: true, case: true }],
    [{ segments: ["ENTERPRISE"] }, { response: false, case: false }],
    [{ categories: ["PROMOTER"] }, { response: false, case: true }],
    [
      { categories: ["DETRACTOR"], surveyKeys: ["s"] },
      { response: true, case: true },
    ],
    [{ dangerZone: true }, { response: false, case: true }],
    [{ dangerZone: false }, { response: true, case: false }],
    [{ priorities: ["HIGH"] }, { response: false, case: true }],
    [{ priorities: ["LOW"] }, { response: false, case: false }],
    [{ assignees: ["ana"] }, { response: false, case: true }],
    [
      { assignees: ["ana"], dangerZone: false },
      { response: false, case: false },
    ],
  ];
  const id = newId();
  for (const [filter, expected] of cases) {
    const endpoint = { id, eventTypes: ["x"], filter };
    const taken = { response: takes(endpoint, "x", { response }), case: takes(endpoint, "x", { case: followUp }) };
    t.same(taken, expected, JSON.stringify(filter));
    t.equal(takes(endpoint, "y", { response }), false, "of another type");
    const isEmpty = Object.keys(filter).length === 0;
    t.equal(takes(endpoint, "x", { improvement: {} }), isEmpty, "what it asks for is not there");
  }
  const nobody = { ...followUp, responses: [], account: null, assignee: null };
  for (const filter of [{ segments: ["SMB"] }, { assignees: ["null"] }, { surveyKeys: ["s"] }]) {
    t.equal(takes({ id, eventTypes: ["x"], filter }, "x", { case: nobody }), false, JSON.stringify(filter));
  }
  const told = { id, eventTypes: ["endpoint.disabled"], filter: {} };
  t.equal(takes(told, "endpoint.disabled", { endpoint: { id } }), false, "nobody is told of oneself");
  t.equal(takes(told, "endpoint.disabled", { endpoint: { id: newId() } }), true);
});

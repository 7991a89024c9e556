import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { recordEvents } from "../../src/platform/events.ts";
import { forgetEvents, relayEvents } from "../../src/webhooks/index.ts";
import { callerIn, event, insertEndpoint, relayAll, write } from "../support/events.ts";
import { type Client, type Service, startService } from "../support/service.ts";

/** One page of the feed. */
async function poll(client: Client, cursor: string | undefined, limit = 100, more = "") {
  const path = `/v1/events?limit=${limit}${cursor === undefined ? "" : `&cursor=${cursor}`}${more}`;
  const { status, body } = await client.get(path);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return {
    names: body.data.map(({ data }: { data: { name: string } }) => data.name) as string[],
    cursor: body.nextCursor as string,
    data: body.data,
    hasMore: body.hasMore as boolean,
  };
}

/** Writes an event in a transaction that commits, or is given up, when `settle` does. */
async function writeUntil(service: Service, client: Client, name: string, settle: () => Promise<unknown>) {
  await service.tenancy.inWorkspace(callerIn(client), async (tx) => {
    await recordEvents(tx, [event("case.opened", { name })]);
    await tx.flush();
    await settle();
  });
}

t.test("the feed", async (t) => {
  const service = await startService(t, { poolSize: 20 });

  t.test("tells events in their order, and always where to go on", async (t) => {
    const client = await service.newClient();
    const empty = await poll(client, undefined);
    t.same(empty.names, []);
    await write(
      service,
      client,
      ["a", "b", "c"].map((name) => event("case.opened", { name })),
    );
    t.same((await poll(client, undefined)).names, [], "what is not relayed has no place yet");
    await relayAll(service);
    const first = await poll(client, empty.cursor, 2);
    t.same([first.names, first.hasMore], [["a", "b"], true]);
    const [{ id, type, timestamp, data }] = first.data;
    t.same(Object.keys(first.data[0]), ["id", "type", "timestamp", "data"]);
    const [stored] = await client.rows("select id, occurred_at from events order by position limit 1");
    t.same([{ id, occurred_at: new Date(timestamp) }, type, data], [stored, "case.opened", { sequence: 1, name: "a" }]);
    const second = await poll(client, first.cursor, 2);
    t.same([second.names, second.hasMore], [["c"], false]);
    const end = await poll(client, second.cursor);
    t.same(end, { names: [], cursor: second.cursor, data: [], hasMore: false });
    await write(service, client, [event("case.closed", { name: "d" })]);
    await relayAll(service);
    t.same((await poll(client, end.cursor)).names, ["d"]);
    t.same((await poll(client, undefined)).names, ["a", "b", "c", "d"], "the same for everybody who begins");
    t.same((await poll(await service.newClient(), undefined)).names, [], "and nothing of other workspaces");
    const [order, , id0] = JSON.parse(Buffer.from(end.cursor, "base64url").toString());
    for (const value of ["1.5", "1e3", "-1", "9".repeat(30), "", "0b11"]) {
      const cursor = Buffer.from(JSON.stringify([order, value, id0])).toString("base64url");
      t.match(await client.get(`/v1/events?cursor=${cursor}`), {
        status: 400,
        body: { invalidParams: [{ name: "cursor" }] },
      });
    }
  });

  t.test("can be asked for some types, and goes on behind what was looked at", async (t) => {
    const client = await service.newClient();
    const names = (type: string, ...all: string[]) => all.map((name) => event(type, { name }));
    await write(service, client, [...names("case.opened", "a", "b"), ...names("case.closed", "c", "d", "e")]);
    await relayAll(service);
    const closed = await poll(client, undefined, 2, "&type=case.closed");
    t.same(closed.names, ["c", "d"]);
    t.same((await poll(client, closed.cursor, 2, "&type=case.closed")).names, ["e"]);
    const nothing = await poll(client, undefined, 2, "&type=case.parked");
    t.same(nothing.names, []);
    t.same((await poll(client, nothing.cursor)).names, [], "what was looked at is not looked at again");
    t.same((await poll(client, undefined, 9, "&type=case.opened&type=case.closed")).names.length, 5);
    // As if the first were forgotten, and a great many lay between the others.
    await client.rows("delete from events where position < 3");
    await client.rows("update events set position = position + 150000 where position > 3");
    await client.rows("update event_positions set last_position = 150005");
    const bit = await poll(client, undefined, 2, "&type=case.closed");
    t.same([bit.names, bit.hasMore], [["c"], true], "what is rare is looked for a bit at a time");
    const rest = await poll(client, bit.cursor, 3, "&type=case.closed");
    t.same([rest.names, rest.hasMore], [["d", "e"], false]);
    await client.rows("delete from events");
    const gone = await poll(client, bit.cursor, 3, "&type=case.closed");
    t.same([gone.names, gone.hasMore], [[], false], "nor is there more when all is forgotten");
    for (const query of ["type=case.unknown", "cursor=eA", "limit=101", "limit=0"]) {
      t.match(await client.get(`/v1/events?${query}`), {
        status: 400,
        body: { invalidParams: [{ name: query.split("=")[0] }] },
      });
    }
  });

  t.test("does not skip what was written first and committed last", async (t) => {
    const client = await service.newClient();
    const commit = Promise.withResolvers<void>();
    const isWritten = Promise.withResolvers<void>();
    const early = writeUntil(service, client, "early", async () => {
      isWritten.resolve();
      await commit.promise;
    });
    await isWritten.promise;
    await write(service, client, [event("case.opened", { name: "late" })]);
    await relayAll(service);
    const before = await poll(client, undefined);
    t.same(before.names, ["late"]);
    t.same((await poll(client, before.cursor)).names, []);
    commit.resolve();
    await early;
    await relayAll(service);
    t.same((await poll(client, before.cursor)).names, ["early"]);
    const [order] = await client.rows("select array_agg(data->>'name' order by id) as names from events");
    t.same(order, { names: ["early", "late"] }, "although it was made first");
  });

  t.test("skips and repeats nothing, however transactions and workers fall together", async (t) => {
    const client = await service.newClient();
    const random = (max: number) => Math.floor(Math.random() * max);
    const committed: string[] = [];
    const allWritten = new AbortController();
    const allPlaced = new AbortController();
    const writer = async (w: number) => {
      for (let n = 0; n < 15; n += 1) {
        const name = `${w}-${n}`;
        const isGivenUp = random(5) === 0;
        await writeUntil(service, client, name, async () => {
          await sleep(random(40));
          if (isGivenUp) throw new Error("given up");
        }).then(
          () => committed.push(name),
          (error: Error) => t.equal(error.message, "given up"),
        );
      }
    };
    const relayer = async () => {
      while (!allWritten.signal.aborted) {
        await relayEvents(service.tenancy);
        await sleep(random(10));
      }
    };
    const poller = async (limit: number) => {
      const seen: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const wasOver = allPlaced.signal.aborted;
        const page = await poll(client, cursor, limit);
        seen.push(...page.names);
        cursor = page.cursor;
        if (wasOver && page.names.length === 0) return seen;
        await sleep(random(10));
      }
    };
    const relayers = [relayer(), relayer()];
    const pollers = [poller(1 + random(3)), poller(100)];
    await Promise.all(Array.from({ length: 8 }, (_, w) => writer(w)));
    allWritten.abort();
    await Promise.all(relayers);
    await relayAll(service);
    allPlaced.abort();
    t.ok(committed.length > 60, `${committed.length} were committed`);
    const [slow = [], quick = []] = await Promise.all(pollers);
    t.same(quick, slow, "in one order for everybody");
    t.same(quick.toSorted(), committed.toSorted(), "each of them once");
    const [byTime] = await client.rows("select array_agg(data->>'name' order by id) as names from events");
    t.notSame(byTime?.["names"], quick, "which is not the order in which they were made: some were committed late");
  });

  t.test("forgets after 14 days, with all that was delivered of it", async (t) => {
    const [client, other] = [await service.newClient(), await service.newClient()];
    const endpointId = await insertEndpoint(client, { types: ["case.opened"] });
    for (let n = 0; n < 3; n += 1) {
      await write(
        service,
        client,
        Array.from({ length: 900 }, (_, i) => event("case.opened", { name: String(n * 900 + i) })),
      );
    }
    await write(service, other, [event("case.opened", { name: "other" })]);
    await relayAll(service);
    const test = (await client.post(`/v1/webhook-endpoints/${endpointId}/test`, {})).body;
    await client.rows(`insert into webhook_attempts
      select workspace_id, id, 1, now(), 1, 500, null, null from webhook_deliveries`);
    const { cursor } = await poll(client, undefined, 10);
    const age = (interval: string, condition: string) =>
      client.rows(`with old as (update events set occurred_at = now() - interval '${interval}'
          where workspace_id = '${client.workspaceId}' and ${condition} returning id)
        update webhook_deliveries set created_at = now() - interval '${interval}' from old where event_id = old.id`);
    await age("14 days 1 minute", "(data->>'name')::int < 2500");
    await age("13 days 23 hours", "(data->>'name')::int >= 2500");
    const left = async () =>
      Promise.all(
        ["events", "webhook_deliveries", "webhook_attempts", "delivery_queue"].map(
          async (table) =>
            (await client.rows(`select 1 from ${table} where workspace_id = '${client.workspaceId}'`)).length,
        ),
      );
    t.same(await left(), [2_700, 2_701, 2_701, 2_701]);
    t.equal(await forgetEvents(service.tenancy), 2_500);
    t.same(await left(), [200, 201, 201, 201]);
    await client.rows(`update webhook_deliveries set created_at = now() - interval '15 days' where id = '${test.id}'`);
    t.equal(await forgetEvents(service.tenancy), 0);
    t.same(await left(), [200, 200, 200, 200], "tests, which are no events, go by their own age");
    t.same((await poll(client, cursor, 1)).names, ["2500"], "whoever was away so long goes on with what is kept");
    t.same((await poll(other, undefined)).names, ["other"]);
  });
});

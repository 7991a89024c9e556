import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { event, write } from "../support/events.ts";
import { printed, startProgram } from "../support/program.ts";
import { startReceiver } from "../support/receiver.ts";
import { startService } from "../support/service.ts";

/** The size that was promised takes minutes: WEBHOOK_EVENTS=10000 WEBHOOK_KILLS=30. */
const EVENTS = Number(process.env["WEBHOOK_EVENTS"] ?? 1_000);
const KILLS = Number(process.env["WEBHOOK_KILLS"] ?? 2);
const KILLED_AFTER_MS = 2_000;
/** So long before it is killed a worker is given something to send. */
const SENDING_MS = 300;
/** To one endpoint at once: `IN_FLIGHT_OF_ENDPOINT_MAX`. */
const CONCURRENCY = 32;
const SECRETS_KEY = Buffer.alloc(32, 7);

t.test("every event arrives at a receiver that fails 3 of 10 times, from workers killed with -9", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY, explainRefusal: async () => undefined });
  const client = await service.newClient();
  const arrived = new Map<string, number>();
  let seed = 1;
  const receiver = await startReceiver(t, (response, { id }) => {
    seed = (seed * 48_271) % 2_147_483_647;
    if (seed % 10 < 3) return response.writeHead(500).end();
    arrived.set(id, (arrived.get(id) ?? 0) + 1);
    return response.writeHead(204).end();
  });
  const input = { url: receiver.url, eventTypes: ["response.recorded"] };
  t.equal((await client.post("/v1/webhook-endpoints", input)).status, 201);
  const env = {
    DATABASE_URL: service.url,
    SECRETS_KEY: SECRETS_KEY.toString("base64"),
    OUTBOUND_ALLOWED_NETWORKS: "127.0.0.0/8",
    DELIVERY_RETRY_SECONDS: Array.from({ length: 30 }, (_, n) => (n === 0 ? 0 : 0.2)).join(),
  };
  const events = Array.from({ length: EVENTS }, (_, n) => event("response.recorded", { n }));
  /** Told bit by bit, each just before a kill, so that it meets the worker in the middle of sending. */
  const tellSome = (kill: number) => {
    const size = Math.ceil(EVENTS / (KILLS + 1));
    return write(service, client, events.slice(kill * size, (kill + 1) * size));
  };
  for (let kill = 0; kill < KILLS; kill += 1) {
    const worker = startProgram(["worker"], { env });
    await printed(worker, /"msg":"(working)"/);
    await sleep(KILLED_AFTER_MS - SENDING_MS);
    await tellSome(kill);
    await sleep(SENDING_MS);
    worker.child.kill("SIGKILL");
    await worker.exit;
  }
  await tellSome(KILLS);
  const before = arrived.size;
  const last = startProgram(["worker"], { env });
  await printed(last, /"msg":"(working)"/);
  // As if the leases of those that were killed had ended.
  await client.rows("update delivery_queue set leased_until = null");
  const left = async () =>
    (await client.rows("select count(*)::int as n from webhook_deliveries where status = 'PENDING'"))[0]?.["n"];
  for (let waited = 0; (arrived.size < EVENTS || (await left()) !== 0) && waited < 600; waited += 1) await sleep(100);
  t.ok(before > 0 && before < EVENTS, `${before} of ${EVENTS} had arrived at the last kill`);
  t.equal(arrived.size, EVENTS, "every event arrived");
  const duplicates = [...arrived.values()].reduce((sum, n) => sum + n - 1, 0);
  t.ok(duplicates <= KILLS * CONCURRENCY, `${duplicates} came twice`);
  t.comment(`${receiver.received.length} requests, ${duplicates} duplicates after ${KILLS} kills`);
  const known = await client.rows("select id::text from events where position is not null");
  t.same(new Set(arrived.keys()), new Set(known.map(({ id }) => id)), "by the ids of the events");
  t.same(await client.rows("select distinct status from webhook_deliveries"), [{ status: "DELIVERED" }]);
  last.child.kill("SIGTERM");
  t.equal(await last.exit, 0, last.output());
});

t.test("an endpoint that takes 10 s to answer delays no other", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY, explainRefusal: async () => undefined });
  const client = await service.newClient();
  const sentAt = new Map<number, number>();
  const took: number[] = [];
  const quick = await startReceiver(t, (response, { body, at }) => {
    took.push(at - (sentAt.get(JSON.parse(body).data.n) ?? Number.NaN));
    response.writeHead(204).end();
  });
  const slow = await startReceiver(t, (response) => {
    setTimeout(() => response.writeHead(204).end(), 10_000);
  });
  const add = (url: string) => client.post("/v1/webhook-endpoints", { url, eventTypes: ["response.recorded"] });
  await add(quick.url);
  const env = {
    DATABASE_URL: service.url,
    SECRETS_KEY: SECRETS_KEY.toString("base64"),
    OUTBOUND_ALLOWED_NETWORKS: "127.0.0.0/8",
  };
  const worker = startProgram(["worker"], { env });
  await printed(worker, /"msg":"(working)"/);
  let n = 0;
  /** The median time from before the commit to the receiver's socket, in milliseconds. */
  const median = async () => {
    took.length = 0;
    for (let sent = 0; sent < 40; sent += 1, n += 1) {
      sentAt.set(n, performance.now());
      await write(service, client, [event("response.recorded", { n })]);
      await sleep(50);
    }
    while (took.length < 40) await sleep(20);
    return took.toSorted((a, b) => a - b)[20] ?? Number.NaN;
  };
  const { body } = await add(slow.url);
  const set = (status: string) => client.patch(`/v1/webhook-endpoints/${body.id}`, { status });
  await median();
  // Whatever else this machine is doing may disturb one of two measurements, but not each pair.
  const ratios: number[] = [];
  while (ratios.length < 3 && !ratios.some((ratio) => ratio < 1.5)) {
    await set("PAUSED");
    const alone = await median();
    await set("ACTIVE");
    const beside = await median();
    t.comment(`${Math.round(beside)} ms beside the slow one, ${Math.round(alone)} ms without`);
    ratios.push(beside / alone);
  }
  t.ok(slow.received.length > 0, `the slow one was sent ${slow.received.length}`);
  t.ok(Math.min(...ratios) < 1.5, `${ratios.join(", ")} times what it is without`);
  worker.child.kill("SIGKILL");
  await worker.exit;
});

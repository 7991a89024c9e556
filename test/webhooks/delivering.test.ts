import { BlockList } from "node:net";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import t, { type Test } from "tap";
import { createLogger } from "../../src/platform/logger.ts";
import { registry } from "../../src/platform/metrics.ts";
import { readNetworks } from "../../src/platform/outboundAddresses.ts";
import { createOutboundHttp } from "../../src/platform/outboundHttp.ts";
import { createSecretBox } from "../../src/platform/secrets.ts";
import type { Tenancy } from "../../src/platform/tenancy.ts";
import { Deliverer } from "../../src/webhooks/delivering.ts";
import { event, relayAll, write } from "../support/events.ts";
import { type Received, startReceiver } from "../support/receiver.ts";
import { type Client, type Service, startService } from "../support/service.ts";

const SECRETS_KEY = Buffer.alloc(32, 7);
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const SCHEDULE = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** The same with a clock that only the test moves. */
class FakeClock {
  now = new Date();

  /** Past the machine's clock, by which the service writes. */
  catchUp(): void {
    this.now = new Date(Math.max(this.now.getTime(), Date.now() + SECOND));
  }

  advance(ms: number): void {
    this.now = new Date(this.now.getTime() + ms);
  }

  tenancy(tenancy: Tenancy): Tenancy {
    return {
      ...tenancy,
      inWorkspace: (caller, work, manner) =>
        tenancy.inWorkspace(caller, (tx) => work({ ...tx, now: this.now }), manner),
      acrossWorkspaces: (reason, work) => tenancy.acrossWorkspaces(reason, (tx) => work({ ...tx, now: this.now })),
    };
  }
}

/** A service with an endpoint, and a worker whose time is the test's. */
async function start(t: Test, service: Service, url: string, types = ["response.recorded"]) {
  const clock = new FakeClock();
  const client = await service.newClient();
  const made = await client.post("/v1/webhook-endpoints", { url, eventTypes: types });
  t.equal(made.status, 201, made.body.detail);
  const http = createOutboundHttp({ allowedNetworks: readNetworks("127.0.0.0/8") ?? new BlockList() });
  t.teardown(() => http.close());
  const options = {
    tenancy: clock.tenancy(service.tenancy),
    logger: createLogger("silent"),
    http,
    secrets: createSecretBox(SECRETS_KEY),
    schedule: SCHEDULE,
    random: () => 0,
  };
  /** As a worker that has just started, to which nothing has failed yet. @returns how many were sent */
  const deliver = async () => {
    const { count, done } = await new Deliverer(options).deliver();
    await done;
    return count;
  };
  const path = `/v1/webhook-endpoints/${made.body.id}`;
  const deliveries = async () => (await client.get(`${path}/deliveries`)).body.data;
  return { clock, client, secret: made.body.secret as string, path, options, deliver, deliveries };
}

/** What the metric has of all attempts in this process: how many, and how long they took together. */
async function measured(outcome: string): Promise<{ count: number; seconds: number }> {
  const { values = [] } = (await registry.getSingleMetric("afterscore_delivery_seconds")?.get()) ?? {};
  const valueOf = (name: string) =>
    (values as { metricName?: string; labels: object; value: number }[]).find(
      ({ metricName, labels }) =>
        metricName === `afterscore_delivery_seconds_${name}` && "outcome" in labels && labels.outcome === outcome,
    )?.value ?? 0;
  return { count: valueOf("count"), seconds: valueOf("sum") };
}

async function tell(service: Service, client: Client, ...types: string[]): Promise<void> {
  await write(
    service,
    client,
    types.map((type) => event(type, { n: 1 })),
  );
  await relayAll(service);
}

t.test("delivering", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY, explainRefusal: async () => undefined });
  await service.pool.query("select 1");

  t.test("attempts fall exactly on the schedule, each with a signature of its moment", async (t) => {
    const receiver = await startReceiver(t, (response) => response.writeHead(500).end("no"));
    const { clock, client, secret, deliver, deliveries } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded");
    clock.catchUp();
    const began = clock.now.getTime();
    const times: number[] = [];
    for (const wait of SCHEDULE) {
      if (wait > 0) {
        clock.advance(wait * SECOND - 1);
        t.equal(await deliver(), 0, "not a millisecond earlier");
        clock.advance(1);
      }
      t.equal(await deliver(), 1);
      times.push(clock.now.getTime());
      verify(t, secret, receiver.received.at(-1), clock.now);
    }
    clock.advance(100 * HOUR);
    t.equal(await deliver(), 0, "and no more");
    const waits = times.map((time, n) => (time - (times[n - 1] ?? began)) / SECOND);
    t.same(waits, SCHEDULE);
    t.equal(new Set(receiver.received.map(({ id }) => id)).size, 1, "the same id each time");
    const stamps = receiver.received.map(({ headers }) => headers["webhook-timestamp"]);
    t.equal(new Set(stamps).size, SCHEDULE.length, "and a new timestamp");
    const [delivery] = await deliveries();
    t.match(delivery, { status: "FAILED", nextAttemptAt: null });
    t.same(
      delivery.attempts.map(({ attemptedAt }: { attemptedAt: string }) => Date.parse(attemptedAt)),
      times,
    );
    t.match(delivery.attempts[0], { status: 500, answer: "no" });
    const [pending, failed] = [await measured("PENDING"), await measured("FAILED")];
    t.same([pending.count, failed.count], [SCHEDULE.length - 1, 1], "each is measured by what became of the delivery");
    const tookMs = delivery.attempts.reduce(
      (sum: number, attempt: { durationMs: number }) => sum + attempt.durationMs,
      0,
    );
    t.ok(Math.abs((pending.seconds + failed.seconds) * SECOND - tookMs) < SCHEDULE.length, "in seconds");
  });

  t.test("what comes later by the receiver's wish, or by chance, comes no earlier", async (t) => {
    const answers = [
      () => ({ "retry-after": "120" }),
      (at: number) => ({ "retry-after": new Date(at + HOUR).toUTCString() }),
    ];
    const clocked: { at?: () => number } = {};
    const receiver = await startReceiver(t, (response) => {
      response.writeHead(503, answers.shift()?.(clocked.at?.() ?? 0) ?? {}).end();
    });
    const { clock, client, options, deliver, deliveries } = await start(t, service, receiver.url);
    clocked.at = () => clock.now.getTime();
    await tell(service, client, "response.recorded");
    clock.now = new Date(Math.ceil(Date.now() / SECOND) * SECOND + SECOND);
    const waited = async () => Date.parse((await deliveries())[0].nextAttemptAt) - clock.now.getTime();
    t.equal(await deliver(), 1);
    t.equal(await waited(), 120 * SECOND, "longer than 5 s");
    clock.advance(120 * SECOND);
    t.equal(await deliver(), 1);
    t.equal(await waited(), HOUR, "longer than 5 min");
    clock.advance(HOUR);
    options.random = () => 0.999;
    t.equal(await deliver(), 1);
    t.equal(await waited(), 30 * MINUTE + Math.floor(30 * MINUTE * 0.0999), "a tenth later at the most");
  });

  t.test("410 disables at once, and others are told", async (t) => {
    const receiver = await startReceiver(t, (response) => response.writeHead(410).end());
    const { clock, client, path, deliver, deliveries } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded", "response.recorded");
    clock.catchUp();
    await deliver();
    t.match((await client.get(path)).body, { status: "DISABLED", disabledReason: /410/ });
    t.same(
      (await deliveries()).map(({ status }: { status: string }) => status),
      ["FAILED", "FAILED"],
    );
    t.match(await client.rows("select type from events where type = 'endpoint.disabled'"), [{}]);
    t.equal(await deliver(), 0);
  });

  t.test("what becomes of an endpoint during an attempt, the attempt does not undo", async (t) => {
    let meanwhile = async () => {};
    const receiver = await startReceiver(t, (response) => {
      void meanwhile().then(() => response.writeHead(410).end());
    });
    const { clock, client, path, deliver, deliveries } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded");
    clock.catchUp();
    meanwhile = async () => void (await client.patch(path, { url: `${receiver.url}/new`, status: "PAUSED" }));
    t.equal(await deliver(), 1);
    t.match((await client.get(path)).body, { status: "PAUSED" }, "it was the old URL that is gone");
    t.match(await deliveries(), [{ status: "PENDING", attempts: [{ status: 410 }], nextAttemptAt: null }]);
  });

  t.test("five days of nothing but failure disable; a success between does not let it come to that", async (t) => {
    let status = 500;
    const receiver = await startReceiver(t, (response) => response.writeHead(status).end());
    const { clock, client, path, deliver } = await start(t, service, receiver.url);
    const endpoint = async () => (await client.get(path)).body;
    const fail = async () => {
      await tell(service, client, "response.recorded");
      clock.catchUp();
      while ((await deliver()) === 0) clock.advance(SECOND);
    };
    await fail();
    const since = (await endpoint()).failingSince;
    t.ok(since);
    clock.advance(119 * HOUR);
    status = 200;
    await fail();
    t.match(await endpoint(), { status: "ACTIVE", failingSince: null }, "it works again");
    status = 500;
    await fail();
    clock.advance(119 * HOUR);
    await fail();
    t.match(await endpoint(), { status: "ACTIVE" });
    clock.advance(HOUR);
    await fail();
    t.match(await endpoint(), { status: "DISABLED", disabledReason: /5 days/ });
  });

  t.test("paused or deleted meanwhile, nothing is sent; resumed, it is", async (t) => {
    const receiver = await startReceiver(t);
    const { clock, client, path, deliver } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded");
    clock.catchUp();
    await client.patch(path, { status: "PAUSED" });
    t.equal(await deliver(), 0);
    await client.patch(path, { status: "ACTIVE" });
    clock.catchUp();
    const before = await measured("DELIVERED");
    t.equal(await deliver(), 1);
    t.equal(receiver.received.length, 1);
    t.equal((await measured("DELIVERED")).count, before.count + 1);
    await tell(service, client, "response.recorded");
    await client.delete(path);
    clock.catchUp();
    t.equal(await deliver(), 0);
  });

  t.test("during a rotation both secrets sign, and what was promised to both is kept", async (t) => {
    const receiver = await startReceiver(t);
    const { clock, client, secret, path, deliver } = await start(t, service, receiver.url);
    const { body: rotated } = await client.post(`${path}/secret-rotation`, {});
    t.not(rotated.secret, secret);
    await tell(service, client, "response.recorded");
    clock.catchUp();
    t.equal(await deliver(), 1);
    verify(t, secret, receiver.received[0], clock.now);
    verify(t, rotated.secret, receiver.received[0], clock.now);
    clock.advance(25 * HOUR);
    await tell(service, client, "response.recorded");
    t.equal(await deliver(), 1);
    verify(t, rotated.secret, receiver.received[1], clock.now);
    t.throws(() => verifyAt(secret, receiver.received[1], clock.now), "the old one no more");
  });

  t.test("an event that is no longer kept fails with its reason", async (t) => {
    const receiver = await startReceiver(t);
    const { clock, client, deliver, deliveries } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded");
    await client.rows(`delete from events where workspace_id = '${client.workspaceId}'`);
    clock.catchUp();
    t.equal(await deliver(), 1);
    t.equal(receiver.received.length, 0);
    t.match(await deliveries(), [{ status: "FAILED", attempts: [{ status: null, error: /no longer kept/ }] }]);
  });

  t.test("a worker that died in the middle leaves it to the next, after its lease", async (t) => {
    const receiver = await startReceiver(t);
    const { clock, client, options, deliver } = await start(t, service, receiver.url);
    await tell(service, client, "response.recorded");
    clock.catchUp();
    const { done } = await new Deliverer({
      ...options,
      http: { ...options.http, post: () => new Promise(() => undefined) },
    }).deliver();
    done.catch(() => undefined);
    t.equal(await deliver(), 0, "somebody has it");
    clock.advance(MINUTE);
    t.equal(await deliver(), 1);
    t.equal(receiver.received.length, 1);
  });
});

function verifyAt(secret: string, received: Received | undefined, now: Date): void {
  if (received === undefined) throw new Error("nothing was received");
  const real = Date.now;
  Date.now = () => now.getTime();
  try {
    for (const Library of [Standard, Svix]) {
      new Library(secret).verify(received.body, received.headers as Record<string, string>);
    }
  } finally {
    Date.now = real;
  }
}

function verify(t: Test, secret: string, received: Received | undefined, now: Date): void {
  t.doesNotThrow(() => verifyAt(secret, received, now), "both foreign libraries verify it");
}

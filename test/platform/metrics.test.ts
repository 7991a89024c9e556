import t from "tap";
import { type Backlog, measureBacklog, measurePool } from "../../src/platform/metrics.ts";
import { startMetricsServer } from "../../src/platform/metricsServer.ts";
import { readBacklog } from "../../src/worker.ts";
import { startService } from "../support/service.ts";

t.test("what is measured, at /metrics on a port of its own", async (t) => {
  const service = await startService(t);
  const { pool } = service;
  measurePool(pool);
  const backlog: { read: () => Promise<Backlog> } = { read: () => new Promise(() => undefined) };
  measureBacklog(() => backlog.read());
  const metrics = await startMetricsServer("127.0.0.1", 0);
  t.teardown(() => metrics.close());
  const ask = (path: string, method = "GET") => fetch(`http://127.0.0.1:${metrics.port}${path}`, { method });
  const scrape = async () => {
    const answer = await ask("/metrics");
    t.equal(answer.status, 200);
    t.match(answer.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
    const lines = (await answer.text()).split("\n").filter((line) => /^[a-z]/.test(line));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
    );
  };

  const client = await service.newClient();
  const endpoint = { url: "https://receiver.example.com/", eventTypes: ["response.recorded"] };
  const { body: receiver } = await client.post("/v1/webhook-endpoints", endpoint);
  await Promise.all([0, 1, 2].map((score) => client.post("/v1/responses", { score })));
  await client.post("/v1/responses", { score: 11 });
  await client.get("/v1/nobody/knows/this");
  await client.rows(`
    update event_queue set event_id = '01900000-0000-7000-8000-000000000000'
      where event_id = (select event_id from event_queue limit 1);
    update case_clocks set next_step_at = now() - interval '100 seconds';
    insert into delivery_queue (workspace_id, delivery_id, endpoint_id, due_at, leased_until)
      select '${client.workspaceId}', gen_random_uuid(), '${receiver.id}', now() - make_interval(secs => age), lease
      from (values (500, now() + interval '1 minute'), (200, null), (-900, null)) as queued (age, lease);
    insert into imports (workspace_id, id, status, format, options, actor_kind, actor_id, created_at, touched_at)
      values ('${client.workspaceId}', gen_random_uuid(), 'QUEUED', 'CSV', '{}', 'key', 'x', now(), now() - interval '300 seconds')`);

  const startedAt = performance.now();
  const away = await scrape();
  t.ok(performance.now() - startedAt < 4_000, "a database that does not answer holds up no scrape");
  t.equal(away["afterscore_queues_readable"], 0);
  t.notOk(Object.keys(away).some((name) => name.startsWith("afterscore_queue_oldest_seconds")));

  backlog.read = () => readBacklog(pool);
  measureBacklog(() => backlog.read());
  const seen = await scrape();
  const requests = (labels: string) => seen[`afterscore_http_request_seconds_count{${labels}}`];
  t.equal(requests('route="/v1/responses",method="POST",status="2xx"'), 3);
  t.equal(requests('route="/v1/responses",method="POST",status="4xx"'), 1);
  t.equal(requests('route="none",method="GET",status="4xx"'), 1, "what is at no route is no series of its own");
  t.equal(seen["afterscore_recording_batch_answers_sum"], 3);
  t.ok((seen['afterscore_recording_batch_seconds_count{outcome="ok"}'] ?? 0) >= 1);
  t.ok((seen['afterscore_pool_connections{state="total"}'] ?? 0) >= 1);
  t.equal(seen['afterscore_pool_connections{state="waiting"}'], 0);
  t.equal(seen["afterscore_queues_readable"], 1);
  const age = (queue: string) => seen[`afterscore_queue_oldest_seconds{queue="${queue}"}`] ?? Number.NaN;
  t.ok(age("clocks") >= 100 && age("clocks") < 160, `clocks ${age("clocks")}`);
  t.ok(age("deliveries") >= 200 && age("deliveries") < 260, `neither being sent nor due later: ${age("deliveries")}`);
  t.ok(age("imports") >= 300 && age("imports") < 360, `imports ${age("imports")}`);
  const written = Date.now() / 1_000 - Number.parseInt("019000000000", 16) / 1_000;
  t.ok(Math.abs(age("events") - written) < 60, `events ${age("events")}`);
  t.ok("nodejs_eventloop_lag_p99_seconds" in seen && "process_resident_memory_bytes" in seen);
  t.notOk(Object.keys(seen).some((name) => name.includes(client.workspaceId)));

  t.equal((await ask("/")).status, 404);
  t.equal((await ask("/metrics", "POST")).status, 404);
});

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../src/platform/ids.ts";
import { readNetworks } from "../src/platform/outboundAddresses.ts";
import { createOutboundHttp } from "../src/platform/outboundHttp.ts";
import { createSecretBox } from "../src/platform/secrets.ts";
import { type Measurement, middleOf } from "./measurement.ts";
import type { BenchService, BenchWorkspace } from "./service.ts";

const DELIVERIES = 10_000;
const ENDPOINTS = 4;
const UNDER_WAY = 128;
const SINGLES = 40;
const NETWORKS = "127.0.0.0/8";
/** What step 6 asks for. */
const PER_SECOND_MIN = 1_000;
const IDLE_MS_MAX = 250;
const BODY = Buffer.from(
  JSON.stringify({ type: "case.opened", timestamp: "2026-01-01T00:00:00Z", data: { sequence: 1 } }),
);

/** Deliveries to a receiver on this machine: many at once against bare POSTs, and one at a time. */
export async function measureWebhooks(service: BenchService): Promise<Measurement[]> {
  const workspace = await service.newWorkspace("webhooks");
  let received = 0;
  let receivedAt = 0;
  let arrived = Promise.withResolvers<void>();
  const receiver = createServer((request, response) => {
    request.resume().on("end", () => {
      received += 1;
      receivedAt = performance.now();
      arrived.resolve();
      response.end();
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const key = randomBytes(32);
  const worker = await service.startWorker({
    SECRETS_KEY: key.toString("base64"),
    OUTBOUND_ALLOWED_NETWORKS: NETWORKS,
  });
  try {
    const bare = await timeOfBarePosts(url);
    received = 0;
    for (let n = 0; n < ENDPOINTS; n += 1) await addEndpoint(workspace, url, key);
    await workspace.fill(`insert into webhook_deliveries
        (workspace_id, id, endpoint_id, event_id, event_type, test_data, status, attempts, created_at)
      select workspace_id, uuidv7(), id, uuidv7(), 'case.opened', '{"sequence": 1}', 'PENDING', 0, now()
      from webhook_endpoints, generate_series(1, ${DELIVERIES / ENDPOINTS}) where workspace_id = '${workspace.id}';
      insert into delivery_queue (workspace_id, delivery_id, endpoint_id, due_at)
      select workspace_id, id, endpoint_id, now() from webhook_deliveries where workspace_id = '${workspace.id}'`);
    const count = () => received;
    while (count() === 0) await sleep(1);
    const startedAt = performance.now();
    while (count() < DELIVERIES) await sleep(2);
    const many = (receivedAt - startedAt) / DELIVERIES;
    await workspace.fill(
      `update webhook_endpoints set status = 'PAUSED' where id <> (select min(id::text)::uuid from webhook_endpoints)`,
    );
    const times: number[] = [];
    for (let n = 0; n < SINGLES; n += 1) {
      // Anywhere between two looks of the worker.
      await sleep(200 + Math.random() * 100);
      arrived = Promise.withResolvers();
      await service.post(workspace, "/v1/responses", { score: 9 });
      const committedAt = performance.now();
      await arrived.promise;
      times.push(Math.max(0, receivedAt - committedAt));
    }
    const idle = middleOf(times);
    return [
      {
        what: `a webhook delivery, of ${DELIVERIES.toLocaleString("en")}, against ${(1000 / bare).toFixed(0)} bare POSTs a second by the same client`,
        baseline: bare,
        measured: many,
        ratioMax: 1000 / PER_SECOND_MIN / bare,
      },
      {
        what: `from a committed answer to the receiver, while idle, against ${IDLE_MS_MAX} ms`,
        baseline: IDLE_MS_MAX,
        measured: idle,
        ratioMax: 1,
      },
    ];
  } finally {
    await worker.stop();
    receiver.closeAllConnections();
    receiver.close();
  }
}

async function addEndpoint(workspace: BenchWorkspace, url: string, key: Buffer): Promise<void> {
  const id = newId();
  const secret = createSecretBox(key).seal(
    `whsec_${randomBytes(32).toString("base64")}`,
    `webhook-endpoints/${workspace.id}/${id}`,
  );
  await workspace.fill(`insert into webhook_endpoints
      (workspace_id, id, url, event_types, filter, status, secret, created_at, updated_at)
    values ('${workspace.id}', '${id}', '${url}', '{response.recorded}', '{}', 'ACTIVE', '\\x${secret.toString("hex")}', now(), now())`);
}

/** @returns milliseconds of each, with as many under way as the worker has */
async function timeOfBarePosts(url: string): Promise<number> {
  const allowedNetworks = readNetworks(NETWORKS);
  if (allowedNetworks === undefined) throw new Error("not a network");
  const http = createOutboundHttp({ allowedNetworks });
  let left = DELIVERIES;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: UNDER_WAY }, async () => {
      for (; left > 0; ) {
        left -= 1;
        await http.post(url, { headers: {}, body: BODY, timeoutMs: 15_000, answerBytesMax: 4_096 });
      }
    }),
  );
  const time = (performance.now() - startedAt) / DELIVERIES;
  await http.close();
  return time;
}

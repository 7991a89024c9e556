import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { cloneDatabase, rowsOf } from "../support/server.ts";
import { type Attempt, attempt, checkHistory, countsOf } from "./support/history.ts";
import { send } from "./support/http.ts";
import { createWorkspace, startProcess } from "./support/processes.ts";

const ROUNDS = 5;
const SENDERS = 30;
const STOPPED_WITHIN_MS = 10_000;
/** A batch and an import are under way for longer than an answer is. */
const BATCH = 1_000;
const IMPORTED = 20_000;

t.test("told to stop under load, it answers what it has accepted, and ends", async (t) => {
  const database = await cloneDatabase();
  t.teardown(database.drop);
  const workspace = await createWorkspace(database.url);
  const history: Attempt[] = [];
  const broken: Attempt[] = [];
  let number = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startProcess("serve", database.url);
    const recorder = { ...workspace, urls: [server.url], history };
    const from = history.length;
    const record = async () => {
      for (;;) {
        number += 1;
        const { outcome, status } = await attempt(recorder, number);
        // Nobody listens any more.
        if (outcome === "failed" && status === 0) return;
        await sleep(10 * Math.random());
      }
    };
    const post = (path: string, type: string, body: string) =>
      send(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${workspace.apiKey}`, "content-type": type },
        body,
      });
    const lines = Array.from({ length: IMPORTED }, (_, n) =>
      JSON.stringify({ score: n % 11, externalId: `${round}-${n}` }),
    );
    t.equal((await post("/v1/imports?followUp=NONE", "application/x-ndjson", lines.join("\n"))).status, 202);
    const sending = Array.from({ length: SENDERS }, record);
    await sleep(1_000 + 500 * Math.random());
    const responses = Array.from({ length: BATCH }, (_, n) => ({
      score: n % 11,
      source: `batch ${round}`,
      externalId: `${n}`,
    }));
    const batch = post("/v1/responses/batch", "application/json", JSON.stringify({ responses }));
    await sleep(60);
    const stoppedAt = performance.now();
    const { code, ms } = await server.stop();
    await Promise.all(sending);
    t.equal(code, 0, server.program.output());
    t.ok(ms <= STOPPED_WITHIN_MS, `it ended after ${ms} ms`);
    t.equal((await batch.catch(() => undefined))?.status, 200, "what takes longer is answered too");
    const ofRound = history.slice(from);
    const cut = ofRound.filter(({ outcome, sentAt }) => outcome !== "ok" && sentAt < stoppedAt);
    t.equal(countsOf(cut), "", "whatever was sent before is answered");
    broken.push(...ofRound.filter(({ outcome }) => outcome === "unknown"));
  }
  // Sent just when its connection was closed, it is not accepted: then nothing of it may be there.
  const stored = new Set(
    (await rowsOf<{ comment: string }>(workspace, "select comment from responses")).map((row) => row.comment),
  );
  t.same(
    broken.filter((one) => stored.has(`number ${one.number}`)),
    [],
    "what was not answered was not done",
  );
  await checkHistory(t, workspace, history);
});

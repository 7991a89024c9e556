import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { migrate, readMigrations } from "../src/platform/migrate.ts";
import { checkOut, findReleaseBefore } from "./support/history.ts";
import { listening, type Program, startProgram } from "./support/program.ts";
import { type Receiver, startReceiver } from "./support/receiver.ts";
import { createEmptyDatabase } from "./support/server.ts";

t.test(
  "the release before goes on while the schema becomes that of today, beside today's code, and comes back",
  async (t) => {
    const before = await findReleaseBefore();
    if (before === undefined) return;
    const database = await createEmptyDatabase();
    t.teardown(database.drop);
    const checkout = await checkOut(before, t.testdir());
    const env = {
      DATABASE_URL: database.url,
      PORT: "0",
      SECRETS_KEY: `${"A".repeat(43)}=`,
      OUTBOUND_ALLOWED_NETWORKS: "127.0.0.0/8",
    };
    const create = startProgram(["workspace", "create", "--name", "Acme"], { env, checkout });
    const receiver = await startReceiver(t);
    const start = async (options: { checkout?: string; more?: Record<string, string> }) => {
      const program = startProgram(["serve"], { ...options, env: { ...env, ...options.more } });
      t.teardown(() => program.child.kill("SIGKILL"));
      const url = await listening(program);
      t.equal(await create.exit, 0, create.output());
      return { program, api: callsOf(url, JSON.parse(create.result()).apiKey) };
    };

    const old = await start({ checkout });
    const endpoint = { url: receiver.url, eventTypes: ["case.opened"] };
    t.equal((await old.api("POST", "/v1/webhook-endpoints", endpoint)).status, 201);
    const { id: known } = await useEverything(t, old.api, receiver, "on its own schema");

    const newest = (await readMigrations()).at(-1)?.name;
    t.equal((await migrate(database.url)).at(-1), newest, "the schema becomes that of today beneath it");
    await useEverything(t, old.api, receiver, "the release before, on the schema of today");

    const today = await start({});
    // Every other call goes to the other release, and the jobs go to whichever worker is there first.
    let turn = 0;
    const either: Calls = async (...call) => (turn++ % 2 === 0 ? old.api : today.api)(...call);
    await useEverything(t, either, receiver, "both, by turns");
    const keyed = [{ score: 1, person: { externalId: "repeated" } }, { "idempotency-key": "k" }] as const;
    const first = await old.api("POST", "/v1/responses", ...keyed);
    t.same((await today.api("POST", "/v1/responses", ...keyed)).body, first.body, "one's key is known to the other");
    t.equal(await stop(old.program), 0, "the release before ends well");
    await useEverything(t, today.api, receiver, "today's alone");
    t.equal((await today.api("GET", `/v1/responses/${known}`)).body.score, 2, "what was there before is there");
    t.equal(await stop(today.program), 0, "and so does today's");

    const config = await readFile(join(checkout, "src/platform/config.ts"), "utf8");
    if (!config.includes("ALLOW_NEWER_DATABASE")) {
      return console.error(`skipped: ${before} is older than ALLOW_NEWER_DATABASE, and cannot be gone back to`);
    }
    const again = await start({ checkout, more: { ALLOW_NEWER_DATABASE: "true" } });
    await useEverything(t, again.api, receiver, "gone back to");
    t.equal(await stop(again.program), 0);
  },
);

type Calls = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ status: number; body: any }>;

function callsOf(url: string, apiKey: string): Calls {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, body: answer.status === 204 ? undefined : await answer.json() };
  };
}

let people = 0;

/** An answer, its case, a file and a webhook, by REST and GraphQL, with the workers' part. @returns the answer */
async function useEverything(t: Test, call: Calls, { received }: Receiver, who: string): Promise<{ id: string }> {
  const ok = async (...args: Parameters<Calls>) => {
    const { status, body } = await call(...args);
    const isWell = status < 300 && body?.errors === undefined;
    if (!isWell) t.fail(`${who}: ${args[0]} ${args[1]}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const query = async (text: string, variables: object = {}) =>
    (await ok("POST", "/graphql", { query: text, variables })).data;
  const countOf = async () => (await query("{ nps { answered } }")).nps.answered;

  const count = await countOf();
  const person = { externalId: `person-${(people += 1)}`, account: { externalId: "acme" } };
  const answer = await ok("POST", "/v1/responses", { score: 2, comment: "Slow", externalId: `${people}`, person });
  const caseId: string = answer.case.id;
  t.equal((await ok("PATCH", `/v1/responses/${answer.id}`, { comment: "Too slow" })).comment, "Too slow", who);
  t.equal((await ok("GET", `/v1/responses/${answer.id}`)).score, 2);
  await ok("POST", `/v1/responses/${answer.id}/exclusion`, { reason: "TEST" });
  await ok("DELETE", `/v1/responses/${answer.id}/exclusion`);
  const contact = { channel: "PHONE", outcome: "REACHED", direction: "OUTBOUND" };
  await ok("POST", `/v1/cases/${caseId}/contacts`, contact);
  await query('mutation ($id: ID!) { addCaseNote(id: $id, input: { text: "Called" }) { id } }', { id: caseId });
  const { case: worked } = await query(
    "query ($id: ID!) { case(id: $id) { person { externalId } activities { type } } }",
    {
      id: caseId,
    },
  );
  t.equal(worked.person.externalId, person.externalId);
  t.ok(worked.activities.length >= 3, JSON.stringify(worked));

  const csv = `score,externalId\n9,file-${people}-1\n10,file-${people}-2\n`;
  const { id: importId } = await ok("POST", "/v1/imports", csv, { "content-type": "text/csv" });
  const isDone = async () => (await ok("GET", `/v1/imports/${importId}`)).status === "DONE";
  await until(isDone, `${who}: the file is recorded`);
  await until(async () => received.some(({ body }) => body.includes(caseId)), `${who}: the case is told`);
  t.equal(await countOf(), count + 3, `${who}: all of it is counted`);
  return answer;
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (let look = 0; look < 300; look += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error(what);
}

async function stop({ child, exit }: Program): Promise<number | null> {
  child.kill("SIGTERM");
  return exit;
}

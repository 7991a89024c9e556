import fc from "fast-check";
import t from "tap";
import { type Client, type Service, startService } from "../support/service.ts";

/**
 * What the world should look like: the newest content of each answer. The service is driven by the same
 * commands, several at a time, and must end in the same world.
 */
interface Stored {
  score: number;
  comment: string | null;
  updatedAt: number;
}
type World = Map<string, Stored>;

interface Command {
  /** The answer it is about; answers 0 to 5 belong to person 0 to 2. */
  answer: number;
  kind: "send" | "retry" | "update" | "outdated" | "patch" | "comment" | "batch";
  score: number;
  comment: string | null;
}

const commands = fc.array(
  fc.record<Command>({
    answer: fc.nat(5),
    kind: fc.constantFrom("send", "retry", "update", "outdated", "patch", "comment", "batch"),
    score: fc.nat(10),
    comment: fc.constantFrom(null, "Good", "Bad"),
  }),
  { minLength: 5, maxLength: 40 },
);

const TIME = Date.UTC(2026, 4, 4);
const personOf = (answer: number) => ({ externalId: `u-${answer % 3}`, email: `u-${answer % 3}@example.com` });
const keyOf = (answer: number) => ({ source: "model", externalId: `a-${answer}` });

async function idOf(client: Client, answer: number): Promise<string | undefined> {
  const { body } = await client.get(`/v1/responses?source=model&externalId=a-${answer}`);
  return body.data[0]?.id;
}

/** Does one command, and says in the world what must have come of it. */
async function run(client: Client, world: World, command: Command, step: number): Promise<void> {
  const { answer, kind, score, comment } = command;
  const key = keyOf(answer).externalId;
  const stored = world.get(key);
  const body = { ...keyOf(answer), score, comment, person: personOf(answer) };
  const expect = (status: number, ...wanted: number[]) => {
    if (!wanted.includes(status)) throw new Error(`${kind} of ${key}: ${status}`);
  };
  switch (kind) {
    case "send": {
      // Under a key that is new: a repetition or a contradiction of what is stored.
      const { status } = await client.post("/v1/responses", body, { "idempotency-key": `send-${step}` });
      expect(status, ...(stored === undefined ? [201] : [200, 409]));
      if (stored === undefined) world.set(key, { score, comment, updatedAt: 0 });
      return;
    }
    case "retry": {
      const first = { ...body, score: 5, comment: null };
      const send = () => client.post("/v1/responses", first, { "idempotency-key": `retry-${key}` });
      const answers = await Promise.all([send(), send(), send()]);
      for (const { status } of answers) expect(status, 200, 201, 409);
      if (stored === undefined) world.set(key, { score: 5, comment: null, updatedAt: 0 });
      return;
    }
    case "update":
    case "outdated": {
      const updatedAt = kind === "update" ? TIME + step * 1000 : TIME - 1000;
      const put = { ...body, updatedAt: new Date(updatedAt).toISOString() };
      const answers = await Promise.all([client.put("/v1/responses", put), client.put("/v1/responses", put)]);
      for (const { status } of answers) expect(status, 200, 201);
      if (stored === undefined || updatedAt >= stored.updatedAt) world.set(key, { score, comment, updatedAt });
      return;
    }
    case "patch":
    case "comment": {
      const id = await idOf(client, answer);
      if (id === undefined) return;
      const change = kind === "patch" ? { score } : { comment };
      expect((await client.patch(`/v1/responses/${id}`, change)).status, 200);
      if (stored !== undefined) world.set(key, { ...stored, ...change });
      return;
    }
    case "batch": {
      const { status, body: result } = await client.post("/v1/responses/batch", {
        responses: [body, { score: 11 }, body],
      });
      expect(status, 200);
      if (result.results[1].status !== "rejected") throw new Error("a bad row was stored");
      if (stored === undefined) world.set(key, { score, comment, updatedAt: 0 });
      return;
    }
  }
}

async function check(client: Client, world: World): Promise<void> {
  const { body } = await client.get("/v1/responses?limit=100");
  const actual = new Map<string, Pick<Stored, "score" | "comment">>(
    body.data.map(({ externalId, score, comment }: { externalId: string } & Stored) => [
      externalId,
      { score, comment },
    ]),
  );
  if (actual.size !== body.data.length) throw new Error("an answer is stored twice");
  const wanted = [...world].map(([key, { score, comment }]) => [key, { score, comment }]);
  const sorted = (entries: Iterable<unknown>) =>
    JSON.stringify([...entries].map((entry) => JSON.stringify(entry)).toSorted());
  if (sorted(actual) !== sorted(wanted)) throw new Error(`stored ${sorted(actual)}, not ${sorted(wanted)}`);
  await checkCases(client);
}

/** Whatever came in whatever order: no second case of anybody, and nobody unhappy without one. */
async function checkCases(client: Client): Promise<void> {
  const people = await client.rows("select count(*) - count(distinct external_id) as doubled from people");
  if (people[0]?.["doubled"] !== 0) throw new Error("a person is there twice");
  const [live] = await client.rows(
    "select coalesce(max(n), 0) as most from (select count(*) as n from cases where status = 'OPEN' group by person_id) as counted",
  );
  if (Number(live?.["most"]) > 1) throw new Error("a person has two open cases");
  const [forgotten] = await client.rows(
    `select count(*) as n from responses where score <= 6 and not exists (select 1 from case_responses
       where case_responses.workspace_id = responses.workspace_id and response_id = responses.id)`,
  );
  if (forgotten?.["n"] !== 0) throw new Error("a detractor has no case");
}

async function inFreshWorld(service: Service, work: (client: Client, world: World) => Promise<void>): Promise<void> {
  const client = await service.newClient();
  await work(client, new Map());
}

t.test("any order of send, retry, update, patch and late comment ends in the newest content", async (t) => {
  const service = await startService(t);
  await fc.assert(
    fc.asyncProperty(commands, (sequence) =>
      inFreshWorld(service, async (client, world) => {
        for (const [step, command] of sequence.entries()) await run(client, world, command, step);
        await check(client, world);
      }),
    ),
    { numRuns: 20 },
  );
});

t.test("all of them at once end with one response per answer and one open case per person", async (t) => {
  const service = await startService(t);
  await fc.assert(
    fc.asyncProperty(commands, (sequence) =>
      inFreshWorld(service, async (client) => {
        const outcomes = await Promise.allSettled(
          // Each in a world of its own: what must have come of it depends on who was quicker.
          sequence.map((command, step) =>
            run(
              client,
              new Map([[keyOf(command.answer).externalId, { score: 0, comment: null, updatedAt: 0 }]]),
              command,
              step,
            ),
          ),
        );
        for (const outcome of outcomes) {
          const message = outcome.status === "rejected" ? String(outcome.reason) : "";
          if (message !== "" && !message.endsWith(": 201")) throw new Error(message);
        }
        const [twice] = await client.rows("select count(*) - count(distinct external_id) as doubled from responses");
        if (twice?.["doubled"] !== 0) throw new Error("an answer is stored twice");
        await checkCases(client);
      }),
    ),
    { numRuns: 20 },
  );
});

import { type Client, forEach } from "./client.ts";
import { type Answer, createAnswer } from "./history.ts";
import { dayAfter, type Person } from "./population.ts";
import { Random } from "./random.ts";
import { MATTERS, OWNERS } from "./words.ts";

/** What a case shows of itself, as far as we look. */
interface Case {
  id: string;
  person: { externalId: string };
  reasons: string[];
}

/** As `POST /v1/improvements` answers it. */
export interface Improvement {
  id: string;
  rootCauseKeys: string[];
  status: string;
}

/** How many answer today, and how many more of them nobody called in time. */
const TODAY = 260;
const TOO_LATE = 40;
/** A property of all their answers, by which they are found on any day. */
const CAMPAIGN = "follow-up";

/**
 * The answers of today, which open cases, and what became of these. A promise begins when we hear of an
 * answer, so that all are of today; those that were not kept had only an instant to be kept in.
 */
export async function createCases(
  client: Client,
  random: Random,
  { people, today, improvements }: { people: readonly Person[]; today: Date; improvements: readonly Improvement[] },
): Promise<void> {
  const some = (count: number, name: string, shift: number) =>
    Array.from({ length: count }, (_, index) =>
      createAnswer(random, random.pick(people), {
        day: random.next() * 0.9,
        today,
        id: `${name}-${index + 1}`,
        shift,
        campaign: CAMPAIGN,
      }),
    );
  const [late, recent] = [some(TOO_LATE, "late", -3), some(TODAY, "recent", -1)];
  const policy = await client.get<object>("/v1/policies/first-contact");
  const instant = { hours: 1e-6 };
  await client.put("/v1/policies/first-contact", {
    ...policy,
    detractor: instant,
    dangerZone: instant,
    passive: instant,
    promoter: instant,
  });
  try {
    await record(client, late);
  } finally {
    await client.put("/v1/policies/first-contact", policy);
  }
  await record(client, recent);

  const comments = new Map([...late, ...recent].map(({ person, comment }) => [person.externalId, comment]));
  const cases = await listCases(client);
  // Each case has chance of its own, so that the order of the calls does not matter.
  const seeds = new Map(cases.map(({ id }) => [id, random.next() * 2 ** 32]));
  const known = new Map(people.map((person) => [person.externalId, person]));
  const again: Answer[] = [];
  await forEach(cases, async (found) => {
    const chance = new Random(seeds.get(found.id) ?? 0);
    const stage = chance.next();
    const matter = matterOf(comments.get(found.person.externalId), chance);
    const waitsFor = improvements.find(
      ({ rootCauseKeys, status }) => rootCauseKeys.includes(matter.cause) && status !== "DROPPED",
    );
    await work(client, chance, { id: found.id, stage, cause: matter.cause, improvementId: waitsFor?.id, today });
    const person = known.get(found.person.externalId);
    if (person === undefined || !chance.happens(stage < OPEN ? 0.25 : 0.4)) return;
    const id = `again-${found.person.externalId}`;
    const { respondedAt: _now, ...next } = createAnswer(chance, person, {
      day: 0,
      today,
      id,
      shift: stage < OPEN ? 0 : 1,
      campaign: CAMPAIGN,
    });
    again.push(next);
  });
  await record(
    client,
    again.toSorted((a, b) => (a.externalId < b.externalId ? -1 : 1)),
  );
}

interface Batch {
  results: { status: string; problem?: object }[];
}

async function record(client: Client, responses: Answer[]): Promise<void> {
  const { results } = await client.post<Batch>("/v1/responses/batch", { responses });
  const rejected = results.find(({ status }) => status === "rejected");
  if (rejected !== undefined) throw new Error(`an answer was rejected: ${JSON.stringify(rejected.problem)}`);
}

/** In the order of their people, which is the same for the same seed. */
async function listCases(client: Client): Promise<Case[]> {
  const cases: Case[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: Case[]; nextCursor: string | null } = await client.get(
      `/v1/cases?limit=100&orderBy=OLDEST${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    cases.push(...page.data.filter(({ person }) => person?.externalId?.startsWith("user-")));
    cursor = page.nextCursor;
  }
  return cases.toSorted((a, b) => (a.person.externalId < b.person.externalId ? -1 : 1));
}

function matterOf(comment: string | undefined, random: Random) {
  return MATTERS.find(({ bad }) => comment !== undefined && bad.includes(comment)) ?? random.pick(MATTERS);
}

/** Below these shares of all cases they stay open, are contacted, parked, resolved; the others are closed. */
const OPEN = 0.3;
const CONTACTED = 0.45;
const PARKED = 0.6;
const RESOLVED = 0.72;
const UNREACHABLE = 0.77;

interface Work {
  id: string;
  stage: number;
  cause: string;
  improvementId: string | undefined;
  today: Date;
}

async function work(client: Client, random: Random, { id, stage, cause, improvementId, today }: Work): Promise<void> {
  const call = (path: string, body: object) => client.post(`/v1/cases/${id}/${path}`, body);
  if (random.happens(0.2)) await call("assignee", { assignee: random.pick(OWNERS) });
  if (random.happens(0.3)) {
    const ticket = String(1_000 + Math.floor(random.next() * 9_000));
    await client.put(`/v1/cases/${id}/references/zendesk`, {
      externalId: ticket,
      url: `https://support.example/${ticket}`,
    });
  }
  if (stage < OPEN) {
    if (random.happens(0.3)) await call("contacts", { channel: "PHONE", direction: "OUTBOUND", outcome: "NO_ANSWER" });
    if (random.happens(0.2)) await call("notes", { text: "On holiday until Monday, says the voice mail" });
    return;
  }
  if (stage >= RESOLVED && stage < UNREACHABLE) {
    await call("contacts", { channel: "EMAIL", direction: "OUTBOUND", outcome: "BOUNCED" });
    return void (await call("closure", { outcome: "UNREACHABLE", reason: "Left the company, no other address" }));
  }
  await call("contacts", {
    channel: random.pick(["PHONE", "PHONE", "EMAIL"]),
    direction: "OUTBOUND",
    outcome: random.pick(["REACHED", "REACHED", "REACHED", "LEFT_MESSAGE"]),
    note: "Listened first, and promised nothing that we cannot keep",
    topics: ["THANKED", "LISTENED"],
  });
  await call("causes", {
    statedCause: cause,
    actualCause: random.happens(0.7) ? cause : random.pick(MATTERS).cause,
  });
  if (random.happens(0.4)) {
    await call("commitments", { text: "We call again once it is mended", dueOn: dayAfter(today, 3) });
    await call("assessment", { feasibility: random.pick([2, 3, 4, 5]), alignment: random.pick([2, 3, 4]) });
  }
  if (stage < CONTACTED) return;
  if (stage < PARKED) return void (improvementId && (await call("parking", { improvementId })));
  const outcome = random.pick(["RECOVERED", "FIXED", "FIXED", "EDUCATED", "GOODWILL", "NOT_ADDRESSABLE"]);
  await call("resolution", { outcome, resolution: "Explained, and mended where it could be" });
  if (stage >= RESOLVED) {
    await call("verification", { satisfied: random.happens(0.85), verbalScore: random.pick([6, 7, 8, 9]) });
  }
}

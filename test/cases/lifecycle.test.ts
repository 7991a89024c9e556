import t from "tap";
import { callsFrom, MOVES, type Move, TRANSITIONS, targetOf } from "../../src/cases/lifecycle.ts";
import { CASE_STATUSES, type CaseStatus } from "../../src/responses/index.ts";
import { type Driver, graphqlDriver, type Outcome, restDriver } from "../support/caseDrivers.ts";
import { type Client, startService } from "../support/service.ts";

t.test("the table says which moves there are", async (t) => {
  const edges = CASE_STATUSES.map((status) => [
    status,
    [...new Set(MOVES.map((move) => targetOf(status, move)).filter((target) => target !== undefined))].toSorted(),
  ]);
  t.same(Object.fromEntries(edges), {
    OPEN: ["CLOSED", "CONTACTED"],
    CONTACTED: ["CLOSED", "PARKED", "RESOLVED"],
    PARKED: ["CLOSED", "CONTACTED", "RESOLVED"],
    RESOLVED: ["CLOSED", "CONTACTED", "OPEN"],
    CLOSED: ["OPEN"],
  });
  t.same(callsFrom("OPEN"), ["contact", "closure"]);
  t.same(callsFrom("RESOLVED"), ["verification", "closure", "reopening"]);
});

/** The shortest way from a new case to this status, found in the table itself. */
function wayTo(goal: CaseStatus): Move[] {
  const ways = new Map<CaseStatus, Move[]>([["OPEN", []]]);
  for (const [status, way] of ways) {
    for (const move of MOVES) {
      const target = targetOf(status, move);
      if (target !== undefined && !ways.has(target)) ways.set(target, [...way, move]);
    }
  }
  const way = ways.get(goal);
  if (way === undefined) throw new Error(`nothing leads to ${goal}`);
  return way;
}

/** What makes each move. */
const DOING: Record<Exclude<Move, "parking" | "unparking">, [string, object]> = {
  contact: ["recordContact", { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED" }],
  resolution: ["resolveCase", { outcome: "FIXED", resolution: "Mended" }],
  satisfiedVerification: ["verifyCase", { satisfied: true }],
  unsatisfiedVerification: ["verifyCase", { satisfied: false, verbalScore: 0 }],
  closure: ["closeCase", { outcome: "UNREACHABLE", reason: "Nobody answers" }],
  reopening: ["reopenCase", { reason: "It is back" }],
};

async function make(driver: Driver, id: string, move: Move): Promise<Outcome> {
  if (move === "parking") {
    const improvementId = await driver.createImprovement({ title: "Better", rootCauseKeys: [] });
    return driver.command(id, "parkCase", { improvementId });
  }
  if (move === "unparking") {
    const { improvementId } = await driver.read(id);
    if (improvementId !== null) await driver.setImprovementStatus(improvementId, "SHIPPED");
    return { code: "ok", case: await driver.read(id) };
  }
  return driver.command(id, ...DOING[move]);
}

async function newCase(client: Client): Promise<string> {
  return (await client.post("/v1/responses", { score: 5 })).body.case.id;
}

t.test("every move from every status does what the table says, by REST alone and by GraphQL alone", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  let edges = 0;
  for (const driver of [restDriver(client), graphqlDriver(client)]) {
    for (const status of CASE_STATUSES) {
      for (const move of MOVES) {
        const name = `${driver.name}: ${move} from ${status}`;
        const id = await newCase(client);
        for (const step of wayTo(status)) await make(driver, id, step);
        const before = await driver.read(id);
        t.equal(before.status, status, name);

        const outcome = await make(driver, id, move);
        const after = await driver.read(id);
        const target = targetOf(status, move);
        if (target !== undefined) {
          t.match({ ...outcome, after }, { code: "ok", case: { status: target }, after: { status: target } }, name);
          edges += 1;
        } else if (move === "contact" || move === "unparking") {
          t.match({ ...outcome, after }, { code: "ok", after: { status } }, `${name} moves nothing`);
        } else {
          t.match(outcome, { code: "invalid_transition", allowedMoves: callsFrom(status) }, name);
          t.equal(after.version, before.version, `${name} leaves no trace`);
        }
      }
    }
  }
  const inTable = Object.values(TRANSITIONS).flatMap((targets) => Object.keys(targets)).length;
  t.equal(edges, 2 * inTable, "every edge of the table was walked, in both ways");
});

t.test("a refusal by REST is a problem that says what can be done instead", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const id = await newCase(client);
  const { status, body } = await client.post(`/v1/cases/${id}/resolution`, { outcome: "FIXED", resolution: "x" });
  t.equal(status, 409);
  t.match(body, {
    code: "invalid_transition",
    allowedMoves: ["contact", "closure"],
    detail: "The case is OPEN; resolution is for a case that is CONTACTED or PARKED. Allowed now: contact, closure.",
  });
});

import { and, asc, eq, isNull, lte, sql } from "drizzle-orm";
import { recordEvents } from "../platform/events.ts";
import { anyOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { responseAcknowledged } from "./events.ts";
import type { RecordedResponse } from "./model.ts";
import { listResponsesById } from "./queries.ts";
import { noSuchResponse } from "./service.ts";
import { type RecordingSteps, withCases } from "./steps.ts";
import { responses } from "./table.ts";

type Steps = Pick<RecordingSteps, "caseSummaryOf">;

/** The customer was thanked for this answer. Said again, it changes nothing. @throws {AppError} `not_found` */
export async function acknowledgeResponse(tx: WorkspaceTx, id: string, steps: Steps): Promise<RecordedResponse> {
  await acknowledgeResponses(tx, [id], tx.now, steps);
  const [response] = await listResponsesById(tx, [id]);
  if (response === undefined) throw noSuchResponse();
  return response;
}

/**
 * The same for several at once: those that nobody had acknowledged are, from this time on. Nobody was thanked for an
 * answer that came later than that by more than the tolerance.
 */
export async function acknowledgeResponses(
  tx: WorkspaceTx,
  ids: readonly string[],
  acknowledgedAt: Date,
  steps: Steps,
  toleranceMs = 0,
): Promise<void> {
  const open = await tx.db
    .select({ id: responses.id, version: responses.version })
    .from(responses)
    .where(and(isOneOf(tx, ids), hadCome(acknowledgedAt, toleranceMs), isNull(responses.acknowledgedAt)))
    .orderBy(asc(responses.id))
    .for("no key update");
  if (open.length === 0) return;
  const acknowledged = open.map(({ id }) => id);
  await tx.db
    .update(responses)
    .set({ acknowledgedAt, version: sql`${responses.version} + 1`, updatedAt: tx.now })
    .where(isOneOf(tx, acknowledged));
  const versions = new Map(open.map(({ id, version }) => [id, version + 1]));
  const found = await withCases(tx, await listResponsesById(tx, acknowledged), steps);
  await recordEvents(
    tx,
    found.map((response) => responseAcknowledged(response, versions.get(response.id) ?? 1)),
  );
  await recordAudit(
    tx,
    acknowledged.map((id) => ({
      action: "response.acknowledged",
      subjectType: "response",
      subjectId: id,
      after: { acknowledgedAt },
    })),
  );
}

/**
 * Somebody reached the customer at this time: remembered of the answers that had come by then, less the
 * tolerance, unless it was earlier already.
 */
export async function markReached(
  tx: WorkspaceTx,
  ids: readonly string[],
  reachedAt: Date,
  toleranceMs: number,
): Promise<void> {
  await tx.db
    .update(responses)
    .set({ reachedAt: sql`least(${responses.reachedAt}, ${reachedAt})` })
    .where(and(isOneOf(tx, ids), hadCome(reachedAt, toleranceMs)));
}

function hadCome(by: Date, toleranceMs: number) {
  return lte(responses.receivedAt, new Date(by.getTime() + toleranceMs));
}

function isOneOf(tx: WorkspaceTx, ids: readonly string[]) {
  return and(eq(responses.workspaceId, tx.workspaceId), sql`${responses.id} = ${anyOf("uuid", ids)}`);
}

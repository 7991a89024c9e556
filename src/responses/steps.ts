import type { AccountFacts, AccountSteps, PersonFacts } from "../people/index.ts";
import type { AppError } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type {
  CaseSummary,
  ExclusionInput,
  FollowUp,
  RecordedResponse,
  Response,
  ResponseChange,
  ResponseInput,
} from "./model.ts";

/**
 * What later slices add to recording, given by the composition root so that this slice knows none of
 * them: steps that run in the same transaction, and how a response finds its case.
 */
export interface RecordingSteps extends AccountSteps {
  onRecorded: RecordingStep[];
  /** In this order. */
  onChanged: ((
    tx: WorkspaceTx,
    changes: readonly ResponseChange[],
    options: Pick<RecordingOptions, "events">,
  ) => Promise<void>)[];
  /** The case of each of these responses that has one, by response id. */
  caseSummaryOf: (tx: WorkspaceTx, responseIds: readonly string[]) => Promise<Map<string, CaseSummary>>;
}

/** A response that is being recorded, with what is known today of those it is about. */
export interface NewResponse {
  response: RecordedResponse;
  person: PersonFacts | null;
  isPersonNew: boolean;
  account: AccountFacts | null;
}

/**
 * What happens with every recorded answer. It looks at what it needs while it is still looked for whom the answers are
 * about (`idsOfRespondents` finds them in a statement), so that all that recording looks for is one round trip; the
 * transaction may only be beginning, and have no `now`. What it returns does its part, for those that were recorded,
 * and tells the cases it has found for them, by response id.
 */
export type RecordingStep = (
  tx: WorkspaceTx,
  coming: readonly RecordInput[],
  options: RecordingOptions,
) => Promise<FinishStep>;
export type FinishStep = (recorded: readonly NewResponse[]) => Promise<ReadonlyMap<string, CaseSummary> | undefined>;

/** How answers are recorded: history may open no case, and tell nobody. */
export interface RecordingOptions {
  followUp: FollowUp;
  events: boolean;
}

export const LIVE: RecordingOptions = { followUp: "OPEN", events: true };

/**
 * What became of one input. `existing` is the same answer sent again, `rejected` touched nothing:
 * `invalid_request` for fields that contradict each other, `conflict` with `existingId` for another
 * answer under the same (source, externalId).
 */
export type RecordResult =
  | { status: "created" | "existing"; response: Response }
  | { status: "rejected"; error: AppError };

/**
 * An answer to record, with the time it last changed where it comes from, and why it is not counted there:
 * null where it is counted.
 */
export type RecordInput = ResponseInput & { updatedAt?: string; exclusion?: ExclusionInput | null };

/** The responses as callers see them, with the case that belongs to each. */
export async function withCases(
  tx: WorkspaceTx,
  recorded: readonly RecordedResponse[],
  { caseSummaryOf }: Pick<RecordingSteps, "caseSummaryOf">,
): Promise<Response[]> {
  const ids = recorded.map(({ id }) => id);
  const cases = ids.length === 0 ? new Map<string, CaseSummary>() : await caseSummaryOf(tx, ids);
  return recorded.map((response) => show(response, cases));
}

/** A response as callers see it. */
export function show(
  { followUp: _followUp, ...response }: RecordedResponse,
  cases: Map<string, CaseSummary>,
): Response {
  return { ...response, case: cases.get(response.id) ?? null };
}

import type { Outcome } from "../platform/gathering.ts";
import { answerEachOnce, type GivenAnswer, type KeyedAnswer, type KeyedRequest } from "../platform/idempotency.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseInput } from "./model.ts";
import { recordResponses } from "./service.ts";
import type { RecordingSteps, RecordResult } from "./steps.ts";

/** One answer to record, and what its sender is told of the result. */
export interface Recording {
  input: ResponseInput;
  /** Where the sender named the attempt. */
  keyed: KeyedRequest | undefined;
  /** @throws what the sender must mend, and is not kept for the key */
  toAnswer: (result: RecordResult) => KeyedAnswer;
}

/** Records the answers of many senders in one transaction; each is told of their own. */
export async function recordEach(
  tx: WorkspaceTx,
  batch: readonly Recording[],
  steps: RecordingSteps,
): Promise<Outcome<GivenAnswer>[]> {
  return answerEachOnce(
    tx,
    batch.map(({ keyed }) => keyed),
    async (fresh) => {
      const asked = fresh.flatMap((index) => batch[index] ?? []);
      const results = await recordResponses(
        tx,
        asked.map(({ input }) => input),
        steps,
      );
      return results.map((result, n) => {
        const toAnswer = asked[n]?.toAnswer;
        if (toAnswer === undefined) throw new Error("a result has no request");
        try {
          return { answer: toAnswer(result) };
        } catch (error) {
          return { error };
        }
      });
    },
  );
}

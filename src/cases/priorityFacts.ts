import type { Account } from "../people/index.ts";
import type { RecordedResponse } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import type { PriorityFacts } from "./priority.ts";

/** What a customer's answers, and the account as it is today, say for the order of the queue. */
export function factsOf(
  responses: readonly RecordedResponse[],
  account: Pick<Account, "annualValue" | "segment"> | undefined,
): PriorityFacts {
  const any = (holds: (response: RecordedResponse) => boolean) => responses.some(holds);
  const isDetractor = ({ category }: RecordedResponse) => category === "DETRACTOR";
  const freshlyTipped = any(isFreshlyTipped);
  return {
    dangerZone: any(({ dangerZone }) => dangerZone),
    detractor: any(isDetractor),
    followUpRequested: any(({ followUpRequested }) => followUpRequested),
    freshlyTipped,
    longStanding: !freshlyTipped && any((r) => isDetractor(r) && r.previous?.category === "DETRACTOR"),
    // One comment is enough to know why.
    withoutComment: any(isDetractor) && !any((r) => isDetractor(r) && r.comment !== null),
    annualValue: account?.annualValue ?? null,
    segment: account?.segment ?? null,
  };
}

/** The answer before was in a better category; the categories stand from best to worst. */
function isFreshlyTipped({ previous, category }: RecordedResponse): boolean {
  return previous !== null && CATEGORIES.indexOf(previous.category) < CATEGORIES.indexOf(category);
}

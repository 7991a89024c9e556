import type { RecordedResponse } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import type { PriorityFacts } from "./priority.ts";

/** What one answer says for the order of the queue. */
export function factsOf(response: RecordedResponse, annualValue: number | null): PriorityFacts {
  const { category, previous } = response;
  const detractor = category === "DETRACTOR";
  return {
    dangerZone: response.dangerZone,
    detractor,
    followUpRequested: response.followUpRequested,
    // The categories stand from best to worst.
    freshlyTipped: previous !== null && CATEGORIES.indexOf(previous.category) < CATEGORIES.indexOf(category),
    withoutComment: detractor && response.comment === null,
    annualValue,
  };
}

/** Several answers of one customer: any of them is enough, but one comment is enough to know why. */
export function mergeFacts(a: PriorityFacts, b: PriorityFacts): PriorityFacts {
  const silent = (facts: PriorityFacts) => !facts.detractor || facts.withoutComment;
  return {
    dangerZone: a.dangerZone || b.dangerZone,
    detractor: a.detractor || b.detractor,
    followUpRequested: a.followUpRequested || b.followUpRequested,
    freshlyTipped: a.freshlyTipped || b.freshlyTipped,
    withoutComment: (a.detractor || b.detractor) && silent(a) && silent(b),
    annualValue: b.annualValue ?? a.annualValue,
  };
}

import { isObject } from "../../platform/json.ts";
import {
  type Found,
  fieldOf,
  fieldsOf,
  NO_NPS,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

/**
 * Wootric: answers by their id, in the order of `updated_at`, as JSON or as a form whose values are all
 * texts. CSAT and CES are none of ours, a decline is no answer. A mapping finds fields of the answer and
 * properties of the end user.
 */
export function readWootric(payload: unknown, { mapping }: ReadingContext): Reading {
  const { response, decline, survey_mode: mode, event_name: event } = fieldsOf(payload);
  if (decline !== undefined) return { ignored: "declined, no answer" };
  if (!isObject(response)) return { ignored: "not an answer" };
  if (event !== undefined && event !== "created" && event !== "updated") return { ignored: "not an answer" };
  const isNps = mode === undefined || mode === null || (typeof mode === "string" && /^nps$/i.test(mode));
  if (mapping.score === undefined && !isNps) return { ignored: NO_NPS };
  const properties = fieldsOf(response["end_user_properties"]);
  const isExcluded = { true: true, false: false }[String(response["excluded_from_calculations"])];
  const found: Found = {
    externalId: response["id"],
    score: response["score"],
    comment: response["text"],
    email: response["email"],
    personExternalId: response["external_id"],
    respondedAt: response["created_at"],
    updatedAt: response["updated_at"],
    properties,
    isExcluded,
  };
  return toReading(
    withMapping(found, mapping, (name) => fieldOf(response, name) ?? fieldOf(properties, name)),
    mapping,
  );
}

import { isObject } from "../../platform/json.ts";
import { findWrongFields, type ResponseInput } from "../../responses/index.ts";
import { type Answer, fieldsOf, type Reading, type ReadingContext, toTime } from "../reading.ts";

/**
 * Our own words, signed by Standard Webhooks: `{type, timestamp, data}`, where `data` is the body of
 * `POST /v1/responses`. Its `source` is the source's; without `externalId` the delivery's id is the answer's.
 * The event's time orders the events of one answer.
 */
export function readStandardWebhooks(payload: unknown, { webhookId }: ReadingContext): Reading {
  const { type, timestamp, data } = fieldsOf(payload);
  if (type !== "response.created" && type !== "response.updated") return { ignored: "not an NPS response event" };
  if (!isObject(data)) return { ignored: "data must be an object" };
  const externalId = typeof data["externalId"] === "string" ? data["externalId"] : webhookId;
  if (externalId === undefined) return { ignored: "data.externalId is required" };
  // An event may bring what was said later, without the score.
  const hasScore = Object.hasOwn(data, "score");
  const wrong = findWrongFields({ score: 0, ...data });
  if (wrong !== undefined)
    return { ignored: wrong.map(({ name, reason }) => `data.${name} ${reason}`).join("; "), externalId };
  const updatedAt = toTime(timestamp);
  if (timestamp !== undefined && updatedAt === undefined)
    return { ignored: "timestamp must be an RFC 3339 time", externalId };
  const { score, source: _source, externalId: _externalId, ...fields } = data as ResponseInput;
  const answer: Answer = {
    externalId,
    score: hasScore ? score : null,
    noScore: "data.score is required",
    fields: { ...fields, ...(updatedAt === undefined ? {} : { updatedAt }) },
  };
  return answer;
}

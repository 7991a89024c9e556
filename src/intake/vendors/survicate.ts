import { isObject } from "../../platform/json.ts";
import {
  type Found,
  fieldOf,
  fieldsOf,
  NO_MAPPED_ANSWER,
  NO_NPS,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

/**
 * Survicate: one event per answered question. `mapping.score` is the id of the NPS question; others are
 * none of ours, and a response may answer it again, so the answer's id is response and question, and its time orders them.
 */
export function readSurvicate(payload: unknown, { mapping }: ReadingContext): Reading {
  const answered = fieldsOf(fieldsOf(payload)["event"])["questionAnswered"];
  if (!isObject(answered)) return { ignored: "not an answer" };
  if (mapping.score === undefined) return { ignored: NO_NPS };
  const question = fieldsOf(answered["question"]);
  const id = String(question["id"]);
  if (id !== mapping.score) return { ignored: NO_MAPPED_ANSWER };
  const respondent = fieldsOf(answered["respondent"]);
  const attributes = fieldsOf(respondent["attributes"]);
  const choice = fieldsOf(answered["choice"]);
  const { id: _id, ...answer } = fieldsOf(answered["answer"]);
  const score = [
    choice["value"],
    choice["body"],
    choice["id"] === undefined ? answered["choice"] : undefined,
    answered["value"],
    answered["answer"],
    answer["value"],
  ]
    .concat(Object.values(answer))
    .find((value) => typeof value === "number" || typeof value === "string");
  const found: Found = {
    externalId: typeof answered["responseUuid"] === "string" ? `${answered["responseUuid"]}:${id}` : undefined,
    comment: choice["comment"] ?? answered["comment"],
    email: fieldOf(attributes, "email"),
    personExternalId: fieldOf(attributes, "user_id"),
    surveyKey: fieldsOf(answered["survey"])["id"],
    respondedAt: answered["timestamp"],
    updatedAt: answered["timestamp"],
    properties: attributes,
  };
  const { score: _question, ...others } = mapping;
  const named = withMapping(found, others, (name) => fieldOf(answered, name) ?? fieldOf(attributes, name));
  return toReading({ ...named, score }, mapping);
}

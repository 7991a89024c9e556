import {
  type Found,
  fieldOf,
  fieldsOf,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

/**
 * Formbricks: `responseFinished`, by the response's id. The payload does not say which question is which,
 * so the score must be mapped, by the question's id. A mapping finds answers, hidden fields, variables and
 * attributes of the contact.
 */
export function readFormbricks(payload: unknown, { mapping, partial }: ReadingContext): Reading {
  const { event, data: body } = fieldsOf(payload);
  if (event === "testEndpoint") return { ignored: "test event" };
  const isUnfinished = event === "responseCreated" || event === "responseUpdated";
  if (isUnfinished && partial === "IGNORE") return { ignored: "only responseFinished is taken" };
  if (!isUnfinished && event !== "responseFinished") return { ignored: "not an answer" };
  const data = fieldsOf(body);
  const answers = fieldsOf(data["data"]);
  const contact = fieldsOf(data["contactAttributes"]);
  const look = (name: string) =>
    fieldOf(answers, name) ?? fieldOf(fieldsOf(data["variables"]), name) ?? fieldOf(contact, name);
  const found: Found = {
    externalId: data["id"],
    email: contact["email"] ?? fieldOf(answers, "email"),
    personExternalId: contact["userId"],
    surveyKey: data["surveyId"],
    language: data["language"] === "default" ? undefined : data["language"],
    respondedAt: data["updatedAt"] ?? data["createdAt"],
    updatedAt: data["updatedAt"],
  };
  return toReading(withMapping(found, mapping, look), mapping);
}

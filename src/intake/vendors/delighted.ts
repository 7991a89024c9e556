import {
  type Found,
  fieldOf,
  fieldsOf,
  NO_NPS,
  objectsOf,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

/**
 * Delighted: created and updated answers, by their id, in the order of `updated_at`. Other surveys than
 * NPS are none of ours; old payloads do not name it. A mapping finds fields of the answer, properties of
 * the person and additional answers by the question's id.
 */
export function readDelighted(payload: unknown, { mapping }: ReadingContext): Reading {
  const { event_type: event, event_data: body } = fieldsOf(payload);
  if (event !== "survey_response.created" && event !== "survey_response.updated") return { ignored: "not an answer" };
  const data = fieldsOf(body);
  if (mapping.score === undefined && !["nps", null, undefined].includes(data["survey_type"] as string)) {
    return { ignored: NO_NPS };
  }
  const person = fieldsOf(data["person"]);
  const properties = fieldsOf(data["person_properties"]);
  const additional = objectsOf(data["additional_answers"]);
  const look = (name: string) =>
    fieldOf(data, name) ??
    fieldOf(properties, name) ??
    valueOf(additional.find(({ question }) => fieldsOf(question)["id"] === name)?.["value"]);
  const found: Found = {
    externalId: data["id"],
    score: data["score"],
    comment: data["comment"],
    email: person["email"],
    phone: person["phone_number"],
    name: person["name"],
    respondedAt: data["created_at"],
    updatedAt: data["updated_at"],
    properties,
  };
  return toReading(withMapping(found, mapping, look), mapping);
}

function valueOf(value: unknown): unknown {
  const { free_response: text, scale, select_one: one, select_many: many } = fieldsOf(value);
  const labels = objectsOf(many).map((option) => String(option["text"]));
  return text ?? scale ?? fieldsOf(one)["text"] ?? (labels.length > 0 ? labels.join(", ") : undefined);
}

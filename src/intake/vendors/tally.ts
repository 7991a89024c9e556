import {
  type Found,
  fieldsOf,
  objectsOf,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

type Fields = Record<string, unknown>;

/**
 * Tally: `FORM_RESPONSE`, by its response id. The score is the one `LINEAR_SCALE` whose label speaks of
 * recommending; never a calculated field. A mapping names fields by key, or hidden ones by label.
 */
export function readTally(payload: unknown, { mapping }: ReadingContext): Reading {
  const { eventType, data: body } = fieldsOf(payload);
  if (eventType !== "FORM_RESPONSE") return { ignored: "not an answer" };
  const data = fieldsOf(body);
  const fields = objectsOf(data["fields"]);
  const hidden = fields.filter(({ type }) => type === "HIDDEN_FIELDS");
  const hiddenOf = (label: string) => hidden.find((field) => field["label"] === label)?.["value"];
  const look = (name: string) => {
    const field = fields.find(({ key }) => key === name);
    return field === undefined ? hiddenOf(name) : valueOf(field);
  };

  const scoreAt =
    mapping.score === undefined ? findScore(fields) : fields.findIndex(({ key }) => key === mapping.score);
  const after = scoreAt === -1 ? [] : fields.slice(scoreAt + 1);
  const found: Found = {
    externalId: data["responseId"],
    score: fields[scoreAt]?.["value"],
    comment: after.find(({ type }) => type === "TEXTAREA")?.["value"],
    email: fields.find(({ type, value }) => type === "INPUT_EMAIL" && value)?.["value"] ?? hiddenOf("email"),
    personExternalId: hiddenOf("user_id"),
    surveyKey: data["formId"],
    respondedAt: data["createdAt"],
    properties: Object.fromEntries(hidden.map(({ label, value }) => [String(label), value])),
  };
  return toReading(withMapping(found, mapping, look), mapping);
}

/** Where the one scale about recommending stands that does not say it is another than 0 to 10; else -1. */
function findScore(fields: Fields[]): number {
  const isScale = ({ type, label }: Fields) => type === "LINEAR_SCALE" && /recommend/i.test(String(label));
  const [scale, ...others] = fields.filter((field) => isScale(field) && isFull(field));
  return scale === undefined || others.length > 0 ? -1 : fields.indexOf(scale);
}

function isFull(scale: Fields): boolean {
  const { start, min, end, max, steps } = { ...scale, ...fieldsOf(scale["properties"]) };
  const isOrUnsaid = (value: unknown, wanted: number) => value === undefined || Number(value) === wanted;
  return isOrUnsaid(start ?? min, 0) && isOrUnsaid(end ?? max, 10) && isOrUnsaid(steps, 11);
}

/** Choices are ids of their options. */
function valueOf({ value, options }: Fields): unknown {
  if (!Array.isArray(value)) return value;
  const texts = value.map((id) => objectsOf(options).find((option) => option["id"] === id)?.["text"] ?? id);
  return texts.filter((text) => typeof text === "string").join(", ");
}

import {
  type Found,
  fieldOf,
  fieldsOf,
  objectsOf,
  type Reading,
  type ReadingContext,
  toReading,
  withMapping,
} from "../reading.ts";

type Fields = Record<string, unknown>;
const TEXTS = new Set(["long_text", "short_text", "textfield"]);

/**
 * Typeform: `form_response`, by its token. The score is the answer of a field of type `nps`, else of the
 * one `opinion_scale` from 0 to 10 that speaks of recommending; never a quiz score. A mapping names fields
 * by id or ref, or hidden fields.
 */
export function readTypeform(payload: unknown, { mapping, partial }: ReadingContext): Reading {
  const { event_type: event, form_response: body } = fieldsOf(payload);
  if (event === "form_response_partial" && partial === "IGNORE") return { ignored: "the answer is not finished" };
  if (event !== "form_response" && event !== "form_response_partial") return { ignored: "not an answer" };
  const form = fieldsOf(body);
  const answers = objectsOf(form["answers"]);
  const definition = objectsOf(fieldsOf(form["definition"])["fields"]);
  const hidden = fieldsOf(form["hidden"]);
  const answerOf = (name: unknown) => answers.find(({ field }) => isNamed(fieldsOf(field), name));
  const look = (name: string) => valueOf(answerOf(name)) ?? fieldOf(hidden, name);

  const scoreName = mapping.score ?? findScore(answers, definition);
  const found: Found = {
    externalId: form["token"],
    score: scoreName === undefined ? undefined : valueOf(answerOf(scoreName)),
    comment: findComment(answers, definition, scoreName),
    email: valueOf(answers.find(({ type }) => type === "email")) ?? fieldOf(hidden, "email"),
    personExternalId: fieldOf(hidden, "user_id"),
    surveyKey: form["form_id"],
    respondedAt: form["submitted_at"],
    properties: hidden,
  };
  return toReading(withMapping(found, mapping, look), mapping);
}

/** By its id or ref. Older payloads have numbers, of which the answers have texts. */
function isNamed({ id, ref }: Fields, name: unknown): boolean {
  return String(id) === String(name) || ref === name;
}

/** Older payloads write types with a hyphen. */
function typeOf(field: Fields): string {
  return String(field["type"]).replace("-", "_");
}

function findScore(answers: Fields[], definition: Fields[]): unknown {
  const fields = definition.length > 0 ? definition : answers.map(({ field }) => fieldsOf(field));
  const own = fields.filter((field) => typeOf(field) === "nps");
  // Two of them leave open which is meant.
  if (own.length > 0) return own.length === 1 ? own[0]?.["id"] : undefined;
  const scales = fields.filter(
    (field) => typeOf(field) === "opinion_scale" && isRecommending(field["title"]) && isFull(field),
  );
  return scales.length === 1 ? scales[0]?.["id"] : undefined;
}

/** Whether a scale is not said to be another than 0 to 10. */
function isFull(scale: Fields): boolean {
  const { steps, start_at_one: startsAtOne } = fieldsOf(scale["properties"]);
  return startsAtOne !== true && (steps === undefined || Number(steps) === 11);
}

function isRecommending(title: unknown): boolean {
  return typeof title === "string" && /recommend/i.test(title);
}

/** The first text after the score, in the order of the definition. */
function findComment(answers: Fields[], definition: Fields[], scoreName: unknown): unknown {
  const scoreAt = definition.findIndex((field) => scoreName !== undefined && isNamed(field, scoreName));
  if (scoreAt === -1) return undefined;
  const texts = definition.slice(scoreAt + 1).filter((field) => TEXTS.has(typeOf(field)));
  for (const { id } of texts) {
    const answer = answers.find(({ field }) => isNamed(fieldsOf(field), id));
    if (answer !== undefined) return valueOf(answer);
  }
  return undefined;
}

/** The value of an answer stands under the name of its type. */
function valueOf(answer: Fields | undefined): unknown {
  if (answer === undefined) return undefined;
  const value = fieldOf(answer, String(answer["type"]));
  const { label, labels } = fieldsOf(value);
  return label ?? (Array.isArray(labels) ? labels.join(", ") : value);
}

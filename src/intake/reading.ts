import { PROPERTIES_MAX, PROPERTY_LENGTH_MAX } from "../people/index.ts";
import { given, isObject } from "../platform/json.ts";
import { FORMATS, isDateTime, STRING_LENGTH_MAX } from "../platform/schema.ts";
import { CHANNELS, COMMENT_LENGTH_MAX, type ResponseUpsert } from "../responses/index.ts";
import type { Mapping, PartialRule } from "./model.ts";

/** What a vendor's mapper is told beside the payload. */
export interface ReadingContext {
  mapping: Mapping;
  partial: PartialRule;
  /** The delivery's id of Standard Webhooks. */
  webhookId: string | undefined;
}

/** An answer as the response slice takes it; `score` is null where this event brings none, and `noScore` says why. */
export interface Answer {
  externalId: string;
  score: number | null;
  noScore: string;
  fields: Omit<ResponseUpsert, "source" | "externalId" | "score">;
  /** Whether the vendor leaves it out of its own score; undefined where it does not say. */
  isExcluded?: boolean;
}

/** What was found in a payload, or why nothing is to be done with it. */
export type Reading = Answer | { ignored: string; externalId?: string };

/** What a mapper found, as it stood in the payload. */
export type Found = Partial<Record<Exclude<keyof Mapping, "properties">, unknown>> & {
  properties?: Record<string, unknown>;
  isExcluded?: boolean | undefined;
};

export const NO_NPS = "no NPS answer found";
export const NO_MAPPED_ANSWER = "the mapped question has no answer";

/** The fields of an object, none where it is no object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

/** The objects of a list, none where it is no list. */
export function objectsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Its own field and no inherited one. */
export function fieldOf(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Puts what is mapped over what was found without: a mapped question is the only one that is looked at. */
export function withMapping(found: Found, { properties, ...mapping }: Mapping, look: (name: string) => unknown): Found {
  const lookAll = (names: Record<string, string>) =>
    Object.fromEntries(Object.entries(names).map(([field, name]) => [field, look(name)]));
  return { ...found, ...lookAll(mapping), properties: { ...found.properties, ...lookAll(properties ?? {}) } };
}

/**
 * Brings what was found into our form. What cannot be used of it is left out: the answer counts, and the
 * receipt has it all. Only a score that is none, and an answer without an id, make it no answer.
 */
export function toReading(found: Found, mapping: Mapping): Reading {
  const externalId = toText(found.externalId);
  if (externalId === undefined) return { ignored: "the answer has no id" };
  const score = toScore(found.score);
  if (score === undefined) {
    return {
      ignored: `the ${mapping.score === undefined ? "" : "mapped "}answer is not an integer from 0 to 10`,
      externalId,
    };
  }
  const noScore = mapping.score === undefined ? NO_NPS : NO_MAPPED_ANSWER;
  const [person, account] = [toPerson(found), toAccount(found)];
  const surveyKey = toText(found.surveyKey);
  const properties = toProperties(found.properties ?? {});
  const fields = given({
    comment: toText(found.comment, COMMENT_LENGTH_MAX),
    followUpRequested: toBoolean(found.followUpRequested),
    respondedAt: toTime(found.respondedAt),
    updatedAt: toTime(found.updatedAt),
    survey: surveyKey === undefined ? undefined : { key: surveyKey },
    channel: CHANNELS.find((channel) => channel === toText(found.channel)?.toUpperCase()),
    language: toText(found.language),
    touchpoint: toText(found.touchpoint),
    properties: Object.keys(properties).length === 0 ? undefined : properties,
    person: person && given({ ...person, account }),
    account: person === undefined ? account : undefined,
  });
  return given({ externalId, score, noScore, fields, isExcluded: found.isExcluded }) as Answer;
}

function toPerson({ personExternalId, email, phone, name }: Found) {
  const address = toText(email);
  const number = toText(phone);
  const identity = given({
    externalId: toText(personExternalId),
    email: address !== undefined && FORMATS.email.test(address) ? address : undefined,
    phone: number !== undefined && FORMATS.phone.test(number) ? number : undefined,
  });
  if (Object.keys(identity).length === 0) return undefined;
  return { ...identity, ...given({ name: toText(name) }) };
}

function toAccount({ accountExternalId, accountName, accountSegment }: Found) {
  const externalId = toText(accountExternalId);
  if (externalId === undefined) return undefined;
  return { externalId, ...given({ name: toText(accountName), segment: toText(accountSegment) }) };
}

function toProperties(values: Record<string, unknown>): Record<string, string | number | boolean> {
  const entries = Object.entries(values).flatMap(([name, value]): [string, string | number | boolean][] => {
    const key = toText(name);
    if (key === undefined) return [];
    if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return [[key, value]];
    const text = toText(value, PROPERTY_LENGTH_MAX);
    return text === undefined ? [] : [[key, text]];
  });
  return Object.fromEntries(entries.slice(0, PROPERTIES_MAX));
}

/** null where there is no answer, undefined where it is none of ours. */
function toScore(value: unknown): number | null | undefined {
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string" && /^(\d|10)$/.test(value)) return Number(value);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 10 ? value : undefined;
}

/** Trimmed, and cut where it is too long; undefined where nothing is left. */
function toText(value: unknown, lengthMax = STRING_LENGTH_MAX): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return undefined;
  const text = value.replaceAll("\u0000", "").toWellFormed().trim();
  // Characters as PostgreSQL and the schema count them, not halves of pairs.
  return text === "" ? undefined : text.length <= lengthMax ? text : Array.from(text).slice(0, lengthMax).join("");
}

function toBoolean(value: unknown): boolean | undefined {
  const text = String(value).trim().toLowerCase();
  if (["true", "yes", "y", "1", "on", "checked"].includes(text)) return true;
  return ["false", "no", "n", "0", "off", "unchecked"].includes(text) ? false : undefined;
}

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[\sT]+(\d{2}:\d{2})(:\d{2})?(\.\d+)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/i;

/** Whole numbers are Unix seconds, also as text; a time without a zone is UTC. */
export function toTime(value: unknown): string | undefined {
  if (typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value))) {
    const time = new Date(Number(value) * 1000);
    return Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999 ? undefined : time.toISOString();
  }
  if (typeof value !== "string") return undefined;
  const [, day, minute = "00:00", second = ":00", fraction = "", zone = "Z"] = TIME.exec(value.trim()) ?? [];
  if (day === undefined) return undefined;
  const offset = /^(Z|UTC)$/i.test(zone) ? "Z" : zone.replace(/^(...)(\d\d)$/, "$1:$2");
  const time = `${day}T${minute}${second}${fraction}${offset}`;
  return isDateTime(time) ? time : undefined;
}

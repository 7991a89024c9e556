import type { Person } from "./population.ts";
import type { Random } from "./random.ts";
import { MATTERS, NEUTRAL } from "./words.ts";

/** An answer, as `POST /v1/responses` takes it. */
export interface Answer {
  score: number;
  externalId: string;
  source: string;
  survey: { key: string };
  respondedAt?: string;
  channel: string;
  language: string;
  touchpoint?: string;
  comment?: string;
  followUpRequested?: boolean;
  properties: { plan: string; release: string; campaign?: string };
  person: { externalId: string; name: string; email: string; phone: string; account: { externalId: string } };
}

export const SOURCE = "demo";

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;
/** Days before today: release 4.0 was bad, 4.1 mended most of it. */
const RELEASE_4_0 = 170;
const RELEASE_4_1 = 95;
/** How many answer in each month of the calendar: few in August and over the holidays, many when waves go out. */
const SEASON = [0.9, 1, 1.5, 0.9, 1, 1, 0.8, 0.5, 1.6, 1.1, 1, 0.6];

/**
 * The answers of the year before today, oldest first. People answer as they feel, worse while the bad
 * release was out, and worst about speed and reliability then.
 */
export function createHistory(random: Random, people: readonly Person[], today: Date, count: number): Answer[] {
  const days: number[] = [];
  while (days.length < count) {
    const day = 1 + random.next() * (YEAR_DAYS - 1);
    const month = new Date(today.getTime() - day * DAY_MS).getUTCMonth();
    if (random.happens((SEASON[month] ?? 1) / 1.6)) days.push(day);
  }
  return days
    .toSorted((a, b) => b - a)
    .map((day, index) => createAnswer(random, random.pick(people), { day, today, id: `year-${index + 1}` }));
}

interface Circumstances {
  /** So many days before today. */
  day: number;
  today: Date;
  id: string;
  /** How much better than usual they feel, in points of the scale. */
  shift?: number;
  campaign?: string;
}

/** An answer of so many days ago. */
export function createAnswer(
  random: Random,
  person: Person,
  { day, today, id, shift = 0, campaign }: Circumstances,
): Answer {
  const isBad = day < RELEASE_4_0 && day > RELEASE_4_1;
  const survey = random.pick(["relationship", "relationship", "support", "onboarding"]);
  const felt = person.mood + shift - (isBad ? 1.8 : 0) - (survey === "support" ? 0.3 : 0);
  const score = Math.min(10, Math.max(0, Math.round(random.normal(felt, 1.3))));
  const { externalId, name, email, phone, account } = person;
  const comment = commentOn(random, score, isBad);
  return {
    score,
    externalId: id,
    source: SOURCE,
    survey: { key: survey },
    respondedAt: new Date(today.getTime() - day * DAY_MS).toISOString(),
    channel: random.pick(survey === "support" ? ["EMAIL", "CHAT", "PHONE"] : ["EMAIL", "EMAIL", "IN_APP"]),
    language: person.language,
    ...(survey !== "relationship" && { touchpoint: survey === "support" ? "ticket" : "first month" }),
    ...(comment !== undefined && { comment }),
    ...(score > 6 && random.happens(0.03) && { followUpRequested: true }),
    properties: {
      plan: account.segment === "SMALL" ? "basic" : "pro",
      release: day > RELEASE_4_0 ? "3.9" : isBad ? "4.0" : "4.1",
      ...(campaign !== undefined && { campaign }),
    },
    person: { externalId, name, email, phone, account: { externalId: account.externalId } },
  };
}

function commentOn(random: Random, score: number, isBad: boolean): string | undefined {
  if (!random.happens(score <= 6 ? 0.75 : 0.35)) return undefined;
  const matter = isBad && random.happens(0.6) ? MATTERS[random.happens(0.5) ? 0 : 1] : random.pick(MATTERS);
  if (matter === undefined) return undefined;
  if (score <= 6) return random.pick(matter.bad);
  return random.pick(score >= 9 ? matter.good : NEUTRAL);
}

import type { Random } from "./random.ts";
import { OWNERS } from "./words.ts";

/** A customer organisation, as `PUT /v1/accounts` takes it. */
export interface Account {
  externalId: string;
  name: string;
  segment: string;
  annualValue: number;
  currency: string;
  renewsOn: string;
  owner: string;
  churnedOn?: string;
}

/** Somebody who answers. */
export interface Person {
  externalId: string;
  name: string;
  email: string;
  phone: string;
  language: string;
  account: Account;
  /** What they would answer on an ordinary day, on the scale of scores but beyond its ends too. */
  mood: number;
}

const SEGMENTS = [
  { segment: "ENTERPRISE", accounts: 20, people: 18, value: 120_000, mood: 8.1 },
  { segment: "MID_MARKET", accounts: 50, people: 9, value: 24_000, mood: 8.7 },
  { segment: "SMALL", accounts: 110, people: 3, value: 3_600, mood: 9.1 },
];
const FIRST = ["Ana", "Ben", "Chidi", "Dana", "Emre", "Freya", "Goran", "Hana", "Ines", "Jonas", "Kaito", "Lena"];
const LAST = ["Okafor", "Meyer", "Silva", "Novak", "Tanaka", "Larsen", "Rossi", "Kaya", "Dubois", "Kowalski", "Smith"];
const TRADES = [
  "Logistics",
  "Foods",
  "Energy",
  "Textiles",
  "Insurance",
  "Robotics",
  "Travel",
  "Health",
  "Paper",
  "Rail",
];
const PLACES = ["Nord", "Delta", "Alpine", "Harbour", "Union", "Pioneer", "Crown", "Meridian", "Vector", "Summit"];
const DAY_MS = 86_400_000;

/** The day that is so many days after this one. */
export function dayAfter(today: Date, days: number): string {
  return new Date(today.getTime() + days * DAY_MS).toISOString().slice(0, 10);
}

/** All customers, with their people. */
export function createPopulation(random: Random, today: Date): { accounts: Account[]; people: Person[] } {
  const accounts: Account[] = [];
  const people: Person[] = [];
  for (const { segment, accounts: count, people: size, value, mood } of SEGMENTS) {
    for (let index = 0; index < count; index += 1) {
      const account = createAccount(random, { segment, value, number: accounts.length, today });
      accounts.push(account);
      const house = random.normal(mood, 1);
      const staff = Math.max(1, Math.round(random.normal(size, size / 3)));
      for (let seat = 0; seat < staff; seat += 1) people.push(createPerson(random, account, house, people.length));
    }
  }
  return { accounts, people };
}

function createAccount(
  random: Random,
  { segment, value, number, today }: { segment: string; value: number; number: number; today: Date },
): Account {
  const place = PLACES[number % PLACES.length] ?? "";
  const trade = TRADES[Math.floor(number / PLACES.length) % TRADES.length] ?? "";
  return {
    externalId: `acc-${number + 1}`,
    name: `${place} ${trade}${number < 100 ? "" : " II"}`,
    segment,
    annualValue: Math.round((value * 2 ** random.normal(0, 1)) / 100) * 100,
    currency: "EUR",
    renewsOn: dayAfter(today, Math.floor(random.next() * 365)),
    owner: random.pick(OWNERS),
    ...(random.happens(0.04) && { churnedOn: dayAfter(today, -Math.floor(random.next() * 90)) }),
  };
}

function createPerson(random: Random, account: Account, mood: number, number: number): Person {
  const [first, last] = [random.pick(FIRST), random.pick(LAST)];
  return {
    externalId: `user-${number + 1}`,
    name: `${first} ${last}`,
    email: `${first}.${last}.${number + 1}@${account.externalId}.example`.toLowerCase(),
    phone: `+49 30 55 ${10_000 + number}`,
    language: random.pick(["en", "en", "en", "de", "fr"]),
    account,
    mood: random.normal(mood, 1.3),
  };
}

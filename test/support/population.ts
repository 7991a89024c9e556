import type { Client } from "./service.ts";

/** An answer as it was sent, with what a count by hand needs. */
export interface Sent {
  score: number;
  person: number | null;
  account: number | null;
  channel: string | null;
  plan: string | null;
  respondedAt: string;
  /** In the order of the times, ties by the order of sending. */
  order: number;
}

export interface Population {
  sent: Sent[];
  /** Annual values by account; null where nothing is known. */
  values: (number | null)[];
}

/** Reproducible numbers from 0 to 1: a test that fails must fail again. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Sends answers of people, of accounts, and of nobody, over some months. */
export async function populate(client: Client, count: number, seed: number): Promise<Population> {
  const random = randomOf(seed);
  const below = (n: number) => Math.floor(random() * n);
  const values = Array.from({ length: 6 }, () => (random() < 0.2 ? null : 1_000 * (1 + below(90))));
  const sent = Array.from({ length: count }, (_, order): Sent => {
    const person = random() < 0.8 ? below(Math.ceil(count / 3)) : null;
    // Each person belongs to one account; some answers are of an account alone.
    const account = person !== null ? (person % 8 < 6 ? person % 8 : null) : random() < 0.3 ? below(6) : null;
    return {
      score: below(11),
      person,
      account,
      channel: random() < 0.3 ? null : random() < 0.5 ? "EMAIL" : "SMS",
      plan: random() < 0.3 ? null : `plan-${below(3)}`,
      respondedAt: new Date(Date.UTC(2026, 0, 1) + below(150 * 24) * 3_600_000 + order).toISOString(),
      order,
    };
  });
  const responses = sent.map(({ score, person, account, channel, plan, respondedAt }) => {
    const of =
      account === null
        ? undefined
        : {
            externalId: `a-${account}`,
            ...(values[account] === null ? {} : { annualValue: values[account], currency: "EUR" }),
          };
    const who = person === null ? { account: of } : { person: { externalId: `u-${person}`, account: of } };
    return { score, channel, respondedAt, properties: plan === null ? {} : { plan }, ...who };
  });
  const { status, body } = await client.post("/v1/responses/batch", { responses });
  if (status !== 200 || body.results.some((row: any) => row.status !== "created"))
    throw new Error(JSON.stringify(body));
  return { sent, values };
}

const PEOPLE = 50_000;
const ACCOUNTS = 1_000;
const BODIES = 100_000;
const CHANNELS = ["EMAIL", "IN_APP", "WEB", "SMS"];
const COMMENTS = [
  "Setting it up took three days and two calls, and nobody could tell why.",
  "Does what it should.",
  "The new release is slow, and the export forgets half of the columns.",
];

/** Bodies of answers as product teams send them: 30 % detractors, by 50,000 people of 1,000 accounts. */
export function answerBodies(seed: number): string[] {
  let state = seed;
  // Park and Miller's generator: the same bodies in every run.
  const below = (n: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % n;
  };
  return Array.from({ length: BODIES }, () => {
    const person = below(PEOPLE);
    const account = person % ACCOUNTS;
    return JSON.stringify({
      score: below(10) < 3 ? below(7) : 7 + below(4),
      survey: { key: `survey-${below(5)}` },
      ...(below(2) === 0 ? { comment: COMMENTS[below(COMMENTS.length)] } : {}),
      channel: CHANNELS[below(CHANNELS.length)],
      touchpoint: `touchpoint-${below(6)}`,
      language: below(3) === 0 ? "de" : "en",
      properties: { plan: below(4) === 0 ? "pro" : "free", seats: below(100) },
      person: {
        externalId: `u-${person}`,
        email: `u-${person}@example.com`,
        name: `Person ${person}`,
        account: {
          externalId: `a-${account}`,
          name: `Account ${account}`,
          segment: `S${account % 4}`,
          annualValue: account * 100,
          currency: "EUR",
        },
      },
    });
  });
}

const YEARS_MS = 2 * 365 * 86_400_000;

/** So many answers as a file of lines, in the order of their time over the two years before `until`. */
export function* answerLines(count: number, until: Date): Generator<string> {
  const bodies = answerBodies(11);
  const step = YEARS_MS / count;
  for (let n = 0; n < count; n += 1) {
    const respondedAt = new Date(until.getTime() - YEARS_MS + n * step).toISOString();
    yield `{"externalId":"r-${n}","respondedAt":"${respondedAt}",${bodies[n % bodies.length]?.slice(1)}\n`;
  }
}

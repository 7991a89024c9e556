import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { ResponseFilter } from "../responses/index.ts";
import { categoryOf } from "../scoring/index.ts";
import { type AnswerPlace, listAnswers } from "./queries.ts";

type Row = Awaited<ReturnType<typeof listAnswers>>[number];

const ACCOUNT = ["externalId", "name", "segment", "annualValue", "currency", "renewsOn", "owner", "churnedOn"];

/** The columns of answers as a file: those that an import reads, and what we have made of them. */
export const ANSWER_COLUMNS: readonly string[] = [
  "id source externalId respondedAt score category comment followUpRequested survey.key survey.kind",
  "channel touchpoint language incentivised properties",
  ...["externalId", "email", "phone", "name", "properties"].map((name) => `person.${name}`),
  ...ACCOUNT.map((name) => `person.account.${name}`),
  ...ACCOUNT.map((name) => `account.${name}`),
  "exclusion.reason exclusion.note receivedAt updatedAt",
].flatMap((names) => names.split(" "));

/** Answers as they can be imported again, in the order in which they were given; what is not known is absent. */
export async function* pagesOfAnswers(tx: WorkspaceTx, filter: ResponseFilter, limit: number) {
  for (let after: AnswerPlace | undefined; ; ) {
    const rows = await listAnswers(tx, filter, { limit, after });
    yield rows.map(toAnswer);
    const last = rows.at(-1)?.response;
    if (rows.length < limit || last === undefined) return;
    after = { respondedAt: last.respondedAt, id: last.id };
  }
}

function toAnswer({ response: row, surveyKind, person, account: stored }: Row): object {
  const account = stored && toAccount(stored, row.segment);
  // An erased person is nobody who could be known again.
  const isKnown = person !== null && (person.externalId ?? person.email ?? person.phone) !== null;
  return present({
    id: row.id,
    source: row.source,
    externalId: row.externalId,
    respondedAt: row.respondedAt.toISOString(),
    score: row.score,
    category: categoryOf(row.score),
    comment: row.comment,
    followUpRequested: row.followUpRequested,
    survey: { key: row.surveyKey, kind: surveyKind },
    channel: row.channel,
    touchpoint: row.touchpoint,
    language: row.language,
    incentivised: row.incentivised,
    properties: filled(row.properties),
    person: isKnown
      ? present({
          externalId: person.externalId,
          email: person.email,
          phone: person.phone,
          name: person.name,
          properties: filled(person.properties),
          account,
        })
      : null,
    account: isKnown ? null : account,
    exclusion: row.exclusionReason && present({ reason: row.exclusionReason, note: row.exclusionNote }),
    receivedAt: row.receivedAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  });
}

/** The account of today, in the segment of when it was answered. */
function toAccount(account: NonNullable<Row["account"]>, segment: string | null): object {
  const { externalId, name, annualValue, currency, renewsOn, owner, churnedOn } = account;
  return present({ externalId, name, segment, annualValue, currency, renewsOn, owner, churnedOn });
}

function filled(properties: object): object | null {
  return Object.keys(properties).length === 0 ? null : properties;
}

function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

import type { StoredAccount, StoredPerson } from "../people/index.ts";
import type { RecordedResponse } from "../responses/index.ts";

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

/** An answer with all that is known of those it is about. */
export interface WholeAnswer {
  response: RecordedResponse;
  person: StoredPerson | undefined;
  account: StoredAccount | undefined;
}

/** An answer as it can be imported again; what is not known is absent. */
export function toAnswer({ response, person, account: stored }: WholeAnswer): object {
  const account = stored && toAccount(stored, response.account?.segment ?? null);
  // An erased person is nobody who could be known again.
  const isKnown = person !== undefined && (person.externalId ?? person.email ?? person.phone) !== null;
  const { id, source, externalId, respondedAt, score, category, comment, followUpRequested, survey, exclusion } =
    response;
  return present({
    id,
    source,
    externalId,
    respondedAt,
    score,
    category,
    comment,
    followUpRequested,
    survey,
    channel: response.channel,
    touchpoint: response.touchpoint,
    language: response.language,
    incentivised: response.incentivised,
    properties: filled(response.properties),
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
    exclusion: exclusion && present({ reason: exclusion.reason, note: exclusion.note }),
    receivedAt: response.receivedAt,
    updatedAt: response.updatedAt,
  });
}

/** The account of today, in the segment of when it was answered. */
function toAccount(account: NonNullable<WholeAnswer["account"]>, segment: string | null): object {
  const { externalId, name, annualValue, currency, renewsOn, owner, churnedOn } = account;
  return present({ externalId, name, segment, annualValue, currency, renewsOn, owner, churnedOn });
}

function filled(properties: object): object | null {
  return Object.keys(properties).length === 0 ? null : properties;
}

function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

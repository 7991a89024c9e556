import { distinct } from "../platform/sql.ts";
import type { Statement } from "../platform/statement.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import {
  type AccountFacts,
  type AccountInput,
  IDENTITIES,
  type Identity,
  normaliseIdentity,
  type PersonFacts,
  type PersonInput,
} from "./model.ts";
import {
  type Identities,
  idsByIdentity,
  type Lock,
  listAccountsByExternalId,
  listPeopleByIdentity,
} from "./queries.ts";

/** Who answered, or for which account; neither for an anonymous answer. */
export interface RespondentInput {
  person?: PersonInput | null;
  account?: AccountInput | null;
}

/** The people and accounts that answers may be about, as they are stored. */
export interface KnownRespondents {
  accounts: AccountFacts[];
  people: PersonFacts[];
}

/** Looks for what `recordRespondents` goes by. It needs to know nothing but the answers, so it can be asked at once with other things. */
export async function findRespondents(tx: WorkspaceTx, inputs: readonly RespondentInput[]): Promise<KnownRespondents> {
  const [accounts, people] = await together([
    listAccountsByExternalId(tx, externalIdsOf(inputs.flatMap(accountOf)), "UNLOCKED"),
    findPeople(
      tx,
      inputs.flatMap(({ person }) => person ?? []),
      "UNLOCKED",
    ),
  ]);
  return { accounts, people };
}

/** The account that is given, for the answer or for its person. */
export function accountOf({ person, account }: RespondentInput): AccountInput | [] {
  return account ?? person?.account ?? [];
}

export function externalIdsOf(accounts: readonly AccountInput[]): string[] {
  return distinct(accounts.map(({ externalId }) => externalId));
}

/** Everybody whom one of these may be about. */
export async function findPeople(tx: WorkspaceTx, inputs: readonly Identified[], lock: Lock): Promise<PersonFacts[]> {
  return listPeopleByIdentity(tx, allIdentitiesOf(inputs), lock);
}

/**
 * The ids of everybody whom one of these answers may be about, as a statement; undefined where that is nobody. So that
 * what is known of them can be asked for at once with `findRespondents`.
 */
export function idsOfRespondents(tx: WorkspaceTx, inputs: readonly RespondentInput[]): Statement | undefined {
  return idsByIdentity(tx, allIdentitiesOf(inputs.flatMap(({ person }) => person ?? [])));
}

type Identified = Pick<PersonInput, Identity>;

function allIdentitiesOf(inputs: readonly Identified[]): Identities {
  const all = Object.fromEntries(IDENTITIES.map((kind) => [kind, identitiesOf(inputs, kind)]));
  return all as Record<Identity, string[]>;
}

function identitiesOf(inputs: readonly Identified[], kind: Identity): string[] {
  const values = inputs.map((input) => input[kind]).filter((value) => typeof value === "string");
  return [...new Set(values.map((value) => normaliseIdentity(kind, value)))].toSorted();
}

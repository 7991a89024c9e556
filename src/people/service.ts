import { ContendedError, isLockTimeout } from "../platform/database.ts";
import { invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { accountOf, externalIdsOf, findPeople, type KnownRespondents, type RespondentInput } from "./finding.ts";
import { type KnownPersonInput, type Matching, matchPeople, type NullIdentity } from "./matching.ts";
import { type AccountFacts, type AccountInput, type PersonFacts, type PersonUpsert, PROPERTIES_MAX } from "./model.ts";
import { type Lock, listAccounts, listAccountsByExternalId } from "./queries.ts";
import { insertAccounts, insertPeople, releaseIdentities, updateAccounts, updatePeople } from "./writes.ts";

export interface Respondent {
  /** As it is when all inputs have been taken in. */
  person: PersonFacts | null;
  /** The account given, else the one the person belongs to, right after this input. */
  account: AccountFacts | null;
  /** The same account when all inputs have been taken in. */
  accountNow: AccountFacts | null;
}

/** What later slices do when accounts change, in the same transaction; the composition root names them. */
export interface AccountSteps {
  /** Segment or annual value of these accounts are not what they were. */
  onAccountsChanged: ((tx: WorkspaceTx, accountIds: readonly string[]) => Promise<void>)[];
}

/**
 * Finds or makes the people and accounts of these answers, brings what is known about them up to
 * date, and returns one respondent per input. However many ask at once, one person stays one. Who is new is
 * inserted with the next flush.
 * @param known as `findRespondents` found it, of these answers at least
 * @param locking AT_ONCE for whoever holds cases: others who change people and accounts look for those next
 * @returns besides, the ids of the accounts for which `onAccountsChanged` is to be called in the end, and of
 *   the people who are new
 */
export async function recordRespondents(
  tx: WorkspaceTx,
  inputs: readonly RespondentInput[],
  known: KnownRespondents,
  locking: Locking,
): Promise<{ respondents: Respondent[]; changedAccountIds: string[]; newPersonIds: Set<string> }> {
  const given = inputs.map((input) => [accountOf(input)].flat());
  const recorded = await recordAccounts(tx, given.flat(), known.accounts, locking);
  const states = recorded.states.values();
  const ownAccounts = given.map(([account]) => (account === undefined ? undefined : states.next().value));

  const persons: KnownPersonInput[] = [];
  const position = inputs.map(({ person }, index) => {
    if (person === null || person === undefined) return -1;
    const { account: _, ...own } = person;
    const accountId = ownAccounts[index]?.id;
    return persons.push(accountId === undefined ? own : { ...own, accountId }) - 1;
  });
  const { matched: people, accountIds, created } = await recordPeople(tx, persons, "unknown", known.people, locking);

  // As each account was when its answer was given: what a later answer says of it does not reach back.
  const accounts = new Map([...recorded.found.values()].map((account) => [account.id, account]));
  const isKnown = new Set([...recorded.merged.values()].map(({ id }) => id));
  const missing = accountIds.filter((id) => id !== null && !isKnown.has(id));
  for (const account of await listAccounts(tx, distinct(missing))) accounts.set(account.id, account);

  const now = new Map([...accounts, ...[...recorded.merged.values()].map((account) => [account.id, account] as const)]);

  const respondents = inputs.map((_input, index): Respondent => {
    const own = ownAccounts[index];
    if (own !== undefined) accounts.set(own.id, own);
    const place = position[index] ?? -1;
    const account = own ?? accounts.get(accountIds[place] ?? "") ?? null;
    return { person: people[place] ?? null, account, accountNow: now.get(account?.id ?? "") ?? null };
  });
  const { changedAccountIds } = recorded;
  return { respondents, changedAccountIds, newPersonIds: new Set(created.map(({ id }) => id)) };
}

/**
 * Makes a person, or brings the one with this externalId up to date; null clears.
 * @returns the id, and whether the person is new
 */
export async function putPerson(
  tx: WorkspaceTx,
  input: PersonUpsert,
  steps: AccountSteps,
): Promise<{ id: string; isNew: boolean }> {
  const { account, ...own } = input;
  const given = account ? [account] : [];
  const stored = await listAccountsByExternalId(tx, externalIdsOf(given), "UNLOCKED");
  const { merged: accounts, changedAccountIds } = await recordAccounts(tx, given, stored, "WAITING");
  const accountId = account === undefined ? undefined : (accounts.get(account?.externalId ?? "")?.id ?? null);
  const known = accountId === undefined ? own : { ...own, accountId };
  const { matched, created } = await recordPeople(
    tx,
    [known],
    "none",
    await findPeople(tx, [known], "UNLOCKED"),
    "WAITING",
  );
  const [person] = matched;
  if (person === undefined) throw new Error("matching gave nobody");
  await tx.flush();
  for (const step of steps.onAccountsChanged) await step(tx, changedAccountIds);
  return { id: person.id, isNew: created.length > 0 };
}

/** The same for an account. */
export async function putAccount(
  tx: WorkspaceTx,
  input: AccountInput,
  steps: AccountSteps,
): Promise<{ id: string; isNew: boolean }> {
  const stored = await listAccountsByExternalId(tx, [input.externalId], "UNLOCKED");
  const { merged, changedAccountIds } = await recordAccounts(tx, [input], stored, "WAITING");
  const account = merged.get(input.externalId);
  if (account === undefined) throw new Error("recording gave no account");
  await tx.flush();
  for (const step of steps.onAccountsChanged) await step(tx, changedAccountIds);
  return { id: account.id, isNew: stored.length === 0 };
}

/** What was recorded of accounts. */
interface RecordedAccounts {
  /** As they were, and as they are now, by externalId. */
  found: Map<string, AccountFacts>;
  merged: Map<string, AccountFacts>;
  /** Of each input its account right after it. */
  states: AccountFacts[];
  /** The ids of those that weigh otherwise than before. */
  changedAccountIds: string[];
}

/** @param known those of them that are stored, at least */
async function recordAccounts(
  tx: WorkspaceTx,
  inputs: readonly AccountInput[],
  known: readonly AccountFacts[],
  locking: Locking,
): Promise<RecordedAccounts> {
  if (inputs.length === 0) return { found: new Map(), merged: new Map(), states: [], changedAccountIds: [] };
  const externalIds = externalIdsOf(inputs);
  const { found, merged, states, created, changed } = await planned(
    async (lock) =>
      planAccounts(inputs, lock === "UNLOCKED" ? known : await listAccountsByExternalId(tx, externalIds, lock)),
    locking,
  );
  await updateAccounts(tx, changed);
  insertAccounts(tx, created);
  const weighs = (account: AccountFacts | undefined) => JSON.stringify([account?.segment, account?.annualValue]);
  const reweighed = changed.filter((account) => weighs(account) !== weighs(found.get(account.externalId)));
  return { found, merged, states, changedAccountIds: reweighed.map(({ id }) => id) };
}

function planAccounts(inputs: readonly AccountInput[], stored: readonly AccountFacts[]) {
  const found = new Map(stored.map((account) => [account.externalId, account]));
  const merged = new Map(found);
  const states = inputs.map((input) => {
    const state = { ...(merged.get(input.externalId) ?? blankAccount(input.externalId)), ...input };
    merged.set(input.externalId, state);
    return state;
  });
  const all = [...merged.values()];
  return {
    found,
    merged,
    states,
    created: all.filter(({ externalId }) => !found.has(externalId)),
    // Spreading keeps the order of the keys, so equal accounts make equal text.
    changed: all.filter((account) => {
      const before = found.get(account.externalId);
      return before !== undefined && JSON.stringify(before) !== JSON.stringify(account);
    }),
  };
}

async function recordPeople(
  tx: WorkspaceTx,
  inputs: readonly KnownPersonInput[],
  nullIdentity: NullIdentity,
  found: readonly PersonFacts[],
  locking: Locking,
): Promise<Matching> {
  if (inputs.length === 0) return { matched: [], accountIds: [], created: [], changed: [], released: [] };
  const plan: Matching = await planned(
    async (lock) => matchPeople(inputs, lock === "UNLOCKED" ? found : await findPeople(tx, inputs, lock), nullIdentity),
    locking,
  );
  if (plan.matched.some(({ properties }) => Object.keys(properties).length > PROPERTIES_MAX)) {
    const name = nullIdentity === "none" ? "properties" : "person.properties";
    throw invalidRequest([{ name, reason: `must not be more than ${PROPERTIES_MAX} with those kept` }]);
  }
  // They may belong to an account that is new.
  if (plan.changed.length > 0) await tx.flush();
  await releaseIdentities(tx, plan.released);
  await updatePeople(tx, plan.changed);
  insertPeople(tx, plan.created);
  return plan;
}

/** How rows are locked that must change. */
type Locking = Exclude<Lock, "UNLOCKED">;

/**
 * Makes a plan from what is stored. Rows are locked only when one must change, and then looked at
 * again, because somebody may have changed it meanwhile; mostly everybody is known and nothing changes.
 */
async function planned<Plan extends { changed: unknown[] }>(
  make: (lock: Lock) => Promise<Plan>,
  locking: Locking,
): Promise<Plan> {
  const plan = await make("UNLOCKED");
  if (plan.changed.length === 0) return plan;
  try {
    return await make(locking);
  } catch (error) {
    if (locking !== "AT_ONCE" || !isLockTimeout(error)) throw error;
    // Not as its cause: who did not wait has not waited too long.
    throw new ContendedError("somebody else is changing a person or an account");
  }
}

function blankAccount(externalId: string): AccountFacts {
  const unknown = { name: null, segment: null, annualValue: null, currency: null, renewsOn: null, owner: null };
  return { id: newId(), externalId, ...unknown, churnedOn: null };
}

import { newId } from "../platform/ids.ts";
import { IDENTITIES, type Identity, normaliseIdentity, type PersonFacts, type PersonInput } from "./model.ts";

/** A person as given, with the account already found. */
export type KnownPersonInput = Omit<PersonInput, "account"> & { accountId?: string | null };

/** What null says of an identity: that the sender does not know it, or that there is none. */
export type NullIdentity = "unknown" | "none";

export interface Matching {
  /** One per input, in order; two inputs about the same person share theirs. */
  matched: PersonFacts[];
  /** The account of each input's person right after that input: a later one may bring another. */
  accountIds: (string | null)[];
  created: PersonFacts[];
  /** Those of the people found that must be written. */
  changed: PersonFacts[];
  /** Ids of those of `changed` who no longer have an identity they had: it must be let go before another can have it. */
  released: string[];
}

/**
 * Says who each input is about, given everybody in the workspace who shares an identity with one of
 * them. Pure: works on copies. Inputs are taken in order, so that the last one about a person wins.
 *
 * Matched by externalId, then e-mail, then phone. Where an e-mail or phone leads to somebody with
 * another externalId, it is somebody new, who takes it over: each identity belongs to one person.
 */
export function matchPeople(
  inputs: readonly KnownPersonInput[],
  found: readonly PersonFacts[],
  nullIdentity: NullIdentity = "unknown",
): Matching {
  const before = new Map(found.map((person) => [person.id, person]));
  const everybody = new Map(found.map((person) => [person.id, copyOf(person)]));
  const owners = new Map<string, PersonFacts>();
  for (const person of everybody.values()) claim(owners, person);

  const accountIds: (string | null)[] = [];
  const matched = inputs.map((input) => {
    const person = ownerOf(input, owners) ?? blankPerson();
    everybody.set(person.id, person);
    merge(person, input, nullIdentity);
    claim(owners, person);
    accountIds.push(person.accountId);
    return person;
  });

  const all = [...everybody.values()];
  const changed = all.filter((person) => {
    const old = before.get(person.id);
    return old !== undefined && JSON.stringify(old) !== JSON.stringify(person);
  });
  const lost = (person: PersonFacts) =>
    IDENTITIES.some((kind) => (before.get(person.id)?.[kind] ?? person[kind]) !== person[kind]);
  return {
    matched,
    accountIds,
    created: all.filter(({ id }) => !before.has(id)),
    changed,
    released: changed.filter(lost).map(({ id }) => id),
  };
}

function ownerOf(input: KnownPersonInput, owners: ReadonlyMap<string, PersonFacts>): PersonFacts | undefined {
  for (const kind of IDENTITIES) {
    const value = identityOf(input, kind);
    const owner = value === undefined ? undefined : owners.get(`${kind}:${value}`);
    if (owner === undefined || owner[kind] !== value) continue;
    const externalId = identityOf(input, "externalId");
    if (externalId === undefined || owner.externalId === null || owner.externalId === externalId) return owner;
  }
  return undefined;
}

/** Makes the person the owner of all their identities, and takes each from whoever had it. */
function claim(owners: Map<string, PersonFacts>, person: PersonFacts): void {
  for (const kind of IDENTITIES) {
    const value = person[kind];
    if (value === null) continue;
    const previous = owners.get(`${kind}:${value}`);
    if (previous !== undefined && previous !== person && previous[kind] === value) previous[kind] = null;
    owners.set(`${kind}:${value}`, person);
  }
}

function merge(person: PersonFacts, input: KnownPersonInput, nullIdentity: NullIdentity): void {
  for (const kind of IDENTITIES) {
    const isNone = input[kind] === null && nullIdentity === "none";
    person[kind] = isNone ? null : (identityOf(input, kind) ?? person[kind]);
  }
  if (input.name !== undefined) person.name = input.name;
  if (input.accountId !== undefined) person.accountId = input.accountId;
  Object.assign(person.properties, input.properties);
}

function identityOf(input: KnownPersonInput, kind: Identity): string | undefined {
  const value = input[kind];
  return typeof value === "string" ? normaliseIdentity(kind, value) : undefined;
}

/** By hand, because every answer comes by here; what a property holds is never changed in place. */
function copyOf(person: PersonFacts): PersonFacts {
  return { ...person, properties: { ...person.properties } };
}

function blankPerson(): PersonFacts {
  return { id: newId(), externalId: null, email: null, phone: null, name: null, properties: {}, accountId: null };
}

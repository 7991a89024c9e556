export { deletePerson, insertShell, lockPerson } from "./erasing.ts";
export { findRespondents, idsOfRespondents } from "./finding.ts";
export { isMentioned } from "./mentioning.ts";
export {
  type Account,
  type AccountFacts,
  AccountInputSchema,
  AccountSchema,
  normaliseIdentity,
  type Person,
  type PersonFacts,
  PersonInputSchema,
  PersonSchema,
  PersonUpsertSchema,
  PROPERTIES_MAX,
  PROPERTY_LENGTH_MAX,
  type Properties,
  PropertiesSchema,
} from "./model.ts";
export {
  type AccountFilter,
  listAccounts,
  listPeople,
  type PeopleFilter,
  type StoredAccount,
  type StoredPerson,
  whereAccounts,
  wherePeople,
} from "./queries.ts";
export { readPerson } from "./reading.ts";
export { type AccountSteps, type Respondent, recordRespondents } from "./service.ts";
export { accounts, people } from "./table.ts";

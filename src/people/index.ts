export {
  type Account,
  AccountInputSchema,
  AccountSchema,
  normaliseIdentity,
  PersonInputSchema,
  PersonSchema,
  PersonUpsertSchema,
  PROPERTIES_MAX,
  type Properties,
  PropertiesSchema,
} from "./model.ts";
export { listAccounts, listPeople, type StoredAccount } from "./queries.ts";
export { type AccountSteps, type Respondent, recordRespondents } from "./service.ts";
export { accounts, people } from "./table.ts";

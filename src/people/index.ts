export {
  type Account,
  AccountInputSchema,
  type Person,
  PersonInputSchema,
  PROPERTIES_MAX,
  type Properties,
  PropertiesSchema,
} from "./model.ts";
export { listAccounts } from "./queries.ts";
export { type Respondent, recordRespondents } from "./service.ts";
export { accounts, people } from "./table.ts";

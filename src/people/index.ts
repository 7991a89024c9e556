export {
  type Account,
  AccountInputSchema,
  type Person,
  PersonInputSchema,
  type Properties,
  PropertiesSchema,
} from "./model.ts";
export { listAccounts } from "./queries.ts";
export { type RespondentInput, recordRespondents } from "./service.ts";
export { accounts, people } from "./table.ts";

export { type AuditEntry, recordAudit } from "./audit.ts";
export { createAuthenticate } from "./authentication.ts";
export { deleteWorkspace } from "./deletion.ts";
export { type Retention, SCOPES, type Scope, type Workspace } from "./model.ts";
export { getWorkspace } from "./queries.ts";
export { createApiKey, createWorkspace, getAllWorkspaces } from "./service.ts";
export { type UserSettings, userSettingsOf } from "./users.ts";

export { type AuditEntry, recordAudit } from "./audit.ts";
export { deleteWorkspace } from "./deletion.ts";
export { type Retention, SCOPES, type Scope, type Workspace } from "./model.ts";
export { getWorkspace } from "./queries.ts";
export { createApiKey, createAuthenticate, createWorkspace, getAllWorkspaces } from "./service.ts";

import { invalidRequest } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import type { Actor, Tenancy } from "../platform/tenancy.ts";
import { addApiKey } from "./keyService.ts";
import { SCOPES, type Scope, type Workspace } from "./model.ts";
import { insertWorkspace, listWorkspaces } from "./queries.ts";
import { requireTimeZone } from "./settings.ts";

/** Who works at the command line, on the machine of the database. */
const OPERATOR: Actor = { kind: "job", id: "command-line" };
const SCOPES_HELD: ReadonlySet<string> = new Set(SCOPES);

/**
 * Makes a workspace and its first API key, which has every scope and is shown here once.
 * @throws {AppError} `invalid_request` for a name or time zone that cannot be
 */
export async function createWorkspace(
  tenancy: Tenancy,
  input: { name: string; timeZone: string },
): Promise<{ workspace: Workspace; apiKey: string }> {
  const name = input.name.trim();
  if (name === "" || name.length > 255)
    throw invalidRequest([{ name: "name", reason: "must have 1 to 255 characters" }]);
  const workspace = { id: newId(), name, timeZone: input.timeZone };
  await tenancy.acrossWorkspaces("manage workspaces", async (tx) => {
    await requireTimeZone(tx, workspace.timeZone);
    await insertWorkspace(tx, workspace);
  });
  const apiKey = await createApiKey(tenancy, workspace.id, "first key");
  return { workspace, apiKey };
}

/** Makes an API key, with every scope where none are named; its text is shown here once. */
export async function createApiKey(
  tenancy: Tenancy,
  workspaceId: string,
  name: string,
  scopes: readonly Scope[] = SCOPES,
): Promise<string> {
  const caller = { workspaceId, actor: OPERATOR, requestId: null };
  const { apiKey } = await tenancy.inWorkspace(caller, (tx) =>
    addApiKey(tx, { name, scopes: [...scopes] }, SCOPES_HELD),
  );
  return apiKey;
}

/** Every workspace of the database, the oldest first. */
export async function getAllWorkspaces(tenancy: Tenancy): Promise<Workspace[]> {
  return tenancy.acrossWorkspaces("manage workspaces", listWorkspaces);
}

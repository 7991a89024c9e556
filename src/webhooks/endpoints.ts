import { AppError } from "../platform/errors.ts";
import { newId } from "../platform/ids.ts";
import { mergePatch } from "../platform/json.ts";
import { SECRET_OVERLAP_MS, type SecretBox } from "../platform/secrets.ts";
import type { Caller, Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { disableEndpoint } from "./disabling.ts";
import { removeSomeDeliveries } from "./forgettingQueries.ts";
import type { EndpointInput, EndpointPatch } from "./model.ts";
import {
  findEndpoint,
  insertEndpoint,
  lockEndpoint,
  pauseDeliveries,
  removeEndpoint,
  resumeDeliveries,
  updateEndpoint,
} from "./queries.ts";
import { makeSecret } from "./secrets.ts";
import type { EndpointRow } from "./table.ts";

/** @returns the endpoint and its secret, which is shown here once @throws {AppError} `unavailable` without SECRETS_KEY */
export async function createEndpoint(
  tx: WorkspaceTx,
  { url, eventTypes, filter, description }: EndpointInput,
  secrets: SecretBox,
): Promise<{ endpoint: EndpointRow; secret: string }> {
  const place = { workspaceId: tx.workspaceId, id: newId() };
  const { text, sealed } = makeSecret(place, secrets);
  const endpoint: EndpointRow = {
    ...place,
    url,
    description: description ?? null,
    eventTypes: [...new Set(eventTypes)],
    filter: filter ?? {},
    status: "ACTIVE",
    disabledReason: null,
    secret: sealed,
    previousSecret: null,
    previousSecretUntil: null,
    failingSince: null,
    version: 1,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  await insertEndpoint(tx, endpoint);
  await audit(tx, "created", endpoint.id, { after: factsOf(endpoint) });
  return { endpoint, secret: text };
}

/**
 * Changes an endpoint. Paused, its deliveries wait; active again, they are due at once, and what failed before is
 * forgotten; disabled, they are given up.
 * @throws {AppError} `not_found`
 */
export async function changeEndpoint(tx: WorkspaceTx, id: string, patch: EndpointPatch): Promise<EndpointRow> {
  const before = await requireLocked(tx, id);
  const status = patch.status === "DISABLED" ? before.status : (patch.status ?? before.status);
  const url = patch.url ?? before.url;
  const isFresh = url !== before.url || (status === "ACTIVE" && before.status !== "ACTIVE");
  const changed: EndpointRow = {
    ...before,
    url,
    description: patch.description === undefined ? before.description : patch.description,
    eventTypes: [...new Set(patch.eventTypes ?? before.eventTypes)],
    filter: mergePatch(before.filter, patch.filter),
    status,
    disabledReason: status === "DISABLED" ? before.disabledReason : null,
    failingSince: isFresh ? null : before.failingSince,
  };
  let after = before;
  if (JSON.stringify(factsOf(changed)) !== JSON.stringify(factsOf(before))) {
    after = { ...changed, version: before.version + 1, updatedAt: tx.now };
    await updateEndpoint(tx, after);
    if (before.status === "ACTIVE" && status === "PAUSED") await pauseDeliveries(tx, id);
    if (before.status === "PAUSED" && status === "ACTIVE") await resumeDeliveries(tx, id);
    await audit(tx, "changed", id, { before: factsOf(before), after: factsOf(after) });
  }
  return patch.status === "DISABLED" ? ((await disableEndpoint(tx, id, "It was disabled by a call.")) ?? after) : after;
}

/** @returns the endpoint and its new secret; the one before signs too for 24 hours @throws {AppError} `not_found`, `unavailable` */
export async function rotateSecret(
  tx: WorkspaceTx,
  id: string,
  secrets: SecretBox,
): Promise<{ endpoint: EndpointRow; secret: string }> {
  const before = await requireLocked(tx, id);
  const { text, sealed } = makeSecret(before, secrets);
  const endpoint: EndpointRow = {
    ...before,
    version: before.version + 1,
    secret: sealed,
    previousSecret: before.secret,
    previousSecretUntil: new Date(tx.now.getTime() + SECRET_OVERLAP_MS),
    updatedAt: tx.now,
  };
  await updateEndpoint(tx, endpoint);
  await audit(tx, "secret_rotated", id, {});
  return { endpoint, secret: text };
}

/**
 * Deletes an endpoint with its deliveries: most of them in transactions of their own, because there may be more than
 * one has time for. @throws {AppError} `not_found`
 */
export async function deleteEndpoint(tenancy: Tenancy, caller: Caller, id: string): Promise<void> {
  await tenancy.readWorkspace(caller, (tx) => requireEndpoint(tx, id));
  while ((await tenancy.inWorkspace(caller, (tx) => removeSomeDeliveries(tx, id, null))) > 0);
  await tenancy.inWorkspace(caller, async (tx) => {
    const before = await requireLocked(tx, id);
    await removeEndpoint(tx, id);
    await audit(tx, "deleted", id, { before: factsOf(before) });
  });
}

/** @throws {AppError} `not_found` */
export async function requireEndpoint(tx: WorkspaceTx, id: string): Promise<EndpointRow> {
  return required(await findEndpoint(tx, id));
}

async function requireLocked(tx: WorkspaceTx, id: string): Promise<EndpointRow> {
  return required(await lockEndpoint(tx, id, "update"));
}

/** @throws {AppError} `not_found` where there is none, `conflict` where it is disabled */
export async function requireReceiving(tx: WorkspaceTx, id: string): Promise<EndpointRow> {
  const endpoint = required(await lockEndpoint(tx, id, "key share"));
  if (endpoint.status !== "DISABLED") return endpoint;
  throw new AppError("conflict", "The endpoint is disabled and takes nothing. Set its status to ACTIVE first.");
}

function required(endpoint: EndpointRow | undefined): EndpointRow {
  if (endpoint === undefined) throw new AppError("not_found", "There is no webhook endpoint with this id.");
  return endpoint;
}

/** What the audit log keeps: no secrets. */
function factsOf({ url, description, eventTypes, filter, status, disabledReason, failingSince }: EndpointRow) {
  return { url, description, eventTypes, filter, status, disabledReason, failingSince };
}

async function audit(tx: WorkspaceTx, what: string, id: string, facts: { before?: object; after?: object }) {
  const entry = { action: `webhook_endpoint.${what}`, subjectType: "webhook_endpoint", subjectId: id };
  await recordAudit(tx, [{ ...entry, ...facts }]);
}

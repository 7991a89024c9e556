import { AppError, type InvalidParam, invalidRequest } from "../platform/errors.ts";
import { newId, newSecret } from "../platform/ids.ts";
import { mergePatch } from "../platform/json.ts";
import { isOpenable, openSecrets, SECRET_OVERLAP_MS, type SecretBox } from "../platform/secrets.ts";
import { newWebhookSecret, webhookKeyOf } from "../platform/signature.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { recordAudit } from "../workspaces/index.ts";
import { MAPPED_FIELDS, type SourceInput, type SourcePatch, type Vendor } from "./model.ts";
import { isPointer } from "./pointer.ts";
import { findSourceByKey, insertSource, lockSource, removeSource, updateSource } from "./queries.ts";
import type { SourceRow } from "./table.ts";

const SECRET_BYTES = 32;
/** Vendors that take a secret from us; the others make their own and show it when the webhook is set up there. */
const TAKE_SECRETS: ReadonlySet<Vendor> = new Set(["STANDARD_WEBHOOKS", "TYPEFORM", "TALLY", "JSON"]);

/** Where a secret lies: encrypted for this place, it opens nowhere else. */
const placeOf = ({ workspaceId, id }: Pick<SourceRow, "workspaceId" | "id">) => `sources/${workspaceId}/${id}`;

/**
 * Makes a source. Where no secret is given and the vendor takes one of ours, it is made.
 * @returns the source, and the secret where it was made here
 * @throws {AppError} `invalid_request`; `conflict` with `existingId` where the key is taken; `unavailable` without SECRETS_KEY
 */
export async function createSource(
  tx: WorkspaceTx,
  { name, key, vendor, secret, tokenHeader, mapping, defaults, partial }: SourceInput,
  secrets: SecretBox,
): Promise<{ source: SourceRow; secret?: string }> {
  const id = newId();
  const made = secret == null && TAKE_SECRETS.has(vendor) ? makeSecret(vendor) : undefined;
  const text = secret ?? made;
  const source: SourceRow = {
    workspaceId: tx.workspaceId,
    id,
    key: key ?? id,
    name,
    vendor,
    secret: null,
    previousSecret: null,
    previousSecretUntil: null,
    tokenHeader: tokenHeader ?? null,
    mapping: mapping ?? {},
    defaults: defaults ?? {},
    partial: partial ?? "IGNORE",
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  requireValid(source, text);
  const existing = await findSourceByKey(tx, source.key);
  if (existing !== undefined) {
    throw new AppError("conflict", `There is a source with the key ${source.key}: choose another one.`, {
      existingId: existing.id,
    });
  }
  if (text !== undefined) source.secret = secrets.seal(text, placeOf(source));
  await insertSource(tx, source);
  await recordAudit(tx, [{ action: "source.created", subjectType: "source", subjectId: id, after: factsOf(source) }]);
  return { source, ...(made === undefined ? {} : { secret: made }) };
}

/**
 * Changes a source. After a new secret the old one is taken for 24 hours more; null takes both away.
 * @throws {AppError} `not_found`, `invalid_request`, `unavailable` without SECRETS_KEY
 */
export async function changeSource(
  tx: WorkspaceTx,
  id: string,
  patch: SourcePatch,
  secrets: SecretBox,
): Promise<SourceRow> {
  const before = requireSource(await lockSource(tx, id, "update"));
  const { name, secret, tokenHeader, mapping, defaults, partial } = patch;
  const after: SourceRow = {
    ...before,
    name: name ?? before.name,
    tokenHeader: tokenHeader === undefined ? before.tokenHeader : tokenHeader,
    mapping: mergePatch(before.mapping, mapping),
    defaults: mergePatch(before.defaults, defaults),
    partial: partial === undefined ? before.partial : (partial ?? "IGNORE"),
    ...(secret === undefined ? {} : replaceSecret(tx, before, secret, secrets)),
    updatedAt: tx.now,
  };
  requireValid(after, secret ?? undefined);
  await updateSource(tx, after);
  await recordAudit(tx, [
    {
      action: "source.changed",
      subjectType: "source",
      subjectId: id,
      before: factsOf(before),
      after: { ...factsOf(after), ...(secret === undefined ? {} : { isSecretChanged: true }) },
    },
  ]);
  return after;
}

/** Deletes a source with its receipts; what it recorded stays. @throws {AppError} `not_found` */
export async function deleteSource(tx: WorkspaceTx, id: string): Promise<void> {
  const source = requireSource(await lockSource(tx, id, "update"));
  await removeSource(tx, id);
  await recordAudit(tx, [{ action: "source.deleted", subjectType: "source", subjectId: id, before: factsOf(source) }]);
}

/** What was looked for. @throws {AppError} `not_found` where there is none */
export function requireSource(found: SourceRow | undefined): SourceRow {
  if (found === undefined) throw new AppError("not_found", "There is no source with this id.");
  return found;
}

/** The secrets that hold at this moment, newest first. @throws {AppError} `unavailable` without SECRETS_KEY */
export function secretsOf(source: SourceRow, secrets: SecretBox, now: Date): string[] {
  return openSecrets(secrets, placeOf(source), source, now);
}

/** What the audit log keeps: no secrets. */
function factsOf({ key, name, vendor, tokenHeader, mapping, defaults, partial }: SourceRow) {
  return { key, name, vendor, tokenHeader, mapping, defaults, partial };
}

function makeSecret(vendor: Vendor): string {
  return vendor === "STANDARD_WEBHOOKS" ? newWebhookSecret() : newSecret(SECRET_BYTES);
}

function replaceSecret(tx: WorkspaceTx, source: SourceRow, secret: string | null, secrets: SecretBox) {
  if (secret === null) return { secret: null, previousSecret: null, previousSecretUntil: null };
  const place = placeOf(source);
  const previousSecret = source.secret !== null && isOpenable(secrets, source.secret, place) ? source.secret : null;
  // The same again is no change, and must not push out the one before.
  if (previousSecret !== null && secrets.open(previousSecret, place) === secret) return {};
  const previousSecretUntil = previousSecret === null ? null : new Date(tx.now.getTime() + SECRET_OVERLAP_MS);
  return { secret: secrets.seal(secret, place), previousSecret, previousSecretUntil };
}

/** What the schema cannot say. */
function requireValid({ vendor, tokenHeader, mapping }: SourceRow, secret: string | undefined): void {
  const invalid: InvalidParam[] = [];
  const isWebhook = vendor === "STANDARD_WEBHOOKS" || vendor === "FORMBRICKS";
  if (secret !== undefined && isWebhook && webhookKeyOf(secret) === undefined) {
    invalid.push({ name: "secret", reason: "must be whsec_ and base64, as the survey tool shows it" });
  }
  if (tokenHeader !== null && vendor !== "JSON") {
    invalid.push({ name: "tokenHeader", reason: "is for sources of the vendor JSON only" });
  }
  const { properties = {}, ...fields } = mapping;
  if (vendor === "STANDARD_WEBHOOKS" && Object.keys(mapping).length > 0) {
    invalid.push({ name: "mapping", reason: "is of no use here: STANDARD_WEBHOOKS sends our own field names" });
  }
  if (vendor === "JSON") {
    for (const name of ["score", "externalId"] as const) {
      if (fields[name] === undefined) invalid.push({ name: `mapping.${name}`, reason: "is required" });
    }
    const named = [
      ...MAPPED_FIELDS.map((field) => [`mapping.${field}`, fields[field]] as const),
      ...Object.entries(properties).map(([name, pointer]) => [`mapping.properties.${name}`, pointer] as const),
    ];
    for (const [name, pointer] of named) {
      if (pointer !== undefined && !isPointer(pointer)) {
        invalid.push({ name, reason: "must be a JSON Pointer, like /answers/0/value" });
      }
    }
  }
  if (invalid.length > 0) throw invalidRequest(invalid);
}

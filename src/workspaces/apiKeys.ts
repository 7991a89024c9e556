import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { base62, newSecret } from "../platform/ids.ts";

const SECRET_BYTES = 24;
const CHECKSUM_LENGTH = 6;
const PREFIX = "nps_";
/** `nps_` + the key's id without hyphens + `_` + 33 characters of secret + 6 of checksum. */
const FORMAT = /^nps_([0-9a-f]{32})_([0-9A-Za-z]{33})([0-9A-Za-z]{6})$/;

export interface ParsedKey {
  id: string;
  secretSha256: Buffer;
}

/** A new key for this id: the text to show once, and the hash to keep. */
export function makeApiKey(id: string): { apiKey: string; secretSha256: Buffer } {
  const body = `${PREFIX}${id.replaceAll("-", "")}_${newSecret(SECRET_BYTES)}`;
  const apiKey = body + checksumOf(body);
  return { apiKey, secretSha256: sha256(apiKey) };
}

/**
 * The id and hash of a key, or undefined for what cannot be one. The checksum turns a mistyped key
 * away without asking the database, and lets scanners tell a leaked key from noise.
 */
export function parseApiKey(text: string): ParsedKey | undefined {
  const [, hex, , checksum] = FORMAT.exec(text) ?? [];
  if (hex === undefined || checksum !== checksumOf(text.slice(0, -CHECKSUM_LENGTH))) return undefined;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { id, secretSha256: sha256(text) };
}

/** Whether this is meant to be an API key, valid or not. */
export function isApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Compares hashes in a time that says nothing about where they differ. */
export function isSameSecret(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function checksumOf(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return base62(bytes, CHECKSUM_LENGTH);
}

/** A plain hash is enough: the secret has 192 random bits, there is nothing to guess. */
function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

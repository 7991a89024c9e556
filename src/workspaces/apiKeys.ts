import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { base62, newSecret } from "../platform/ids.ts";

const SECRET_BYTES = 24;
const CHECKSUM_LENGTH = 6;
const PREFIX = "nps_";
/** `nps_` + the key's id without hyphens + `_` + 33 characters of secret + 6 of checksum. */
const FORMAT = /^nps_([0-9a-f]{32})_[0-9A-Za-z]{39}$/;

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

/** The id and hash of a key, or undefined for what does not look like one. */
export function parseApiKey(text: string): ParsedKey | undefined {
  const hex = FORMAT.exec(text)?.[1];
  if (hex === undefined) return undefined;
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  return { id, secretSha256: sha256(text) };
}

/**
 * Whether the key is typed as it was made: the checksum turns a mistyped one away without asking the database, and lets
 * scanners tell a leaked key from noise.
 */
export function hasChecksum(text: string): boolean {
  return text.slice(-CHECKSUM_LENGTH) === checksumOf(text.slice(0, -CHECKSUM_LENGTH));
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

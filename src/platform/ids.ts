import { randomBytes, randomFillSync } from "node:crypto";
import { v7 } from "uuid";

/** Fetched for many ids at once: a recorded answer takes a dozen, and each fetch costs more than the id. */
const entropy = Buffer.alloc(4_096);
const ENTROPY_PER_ID = 16;
let used = entropy.length;
/** Of the last id: later ones of the same millisecond count on, so that ids are in the order of their making. */
const last = { msecs: 0, seq: 0, random: Buffer.alloc(ENTROPY_PER_ID) };

/**
 * A new id: UUIDv7, so that rows made together lie together in every index. Made by the
 * application and not by the database, which keeps sequences out of the schema.
 */
export function newId(): string {
  if (used === entropy.length) {
    randomFillSync(entropy);
    used = 0;
  }
  entropy.copy(last.random, 0, used);
  used += ENTROPY_PER_ID;
  const now = Date.now();
  if (now > last.msecs) {
    last.msecs = now;
    // 31 bits to begin with, of 32: there is room to count on.
    last.seq = last.random.readUInt32BE() >>> 1;
  } else last.seq += 1;
  return v7(last);
}

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The bytes as one big-endian number in base 62, left-padded with `0` to `length` characters. */
export function base62(bytes: Uint8Array, length: number): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);
  let text = "";
  while (rest > 0n) {
    text = BASE62.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text.padStart(length, "0");
}

/** A secret of `byteCount` random bytes in base 62: 24 bytes make 192 bits in 33 characters. */
export function newSecret(byteCount: number): string {
  return base62(randomBytes(byteCount), Math.ceil((byteCount * 8) / Math.log2(62)));
}

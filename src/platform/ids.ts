import { randomBytes } from "node:crypto";
import { v7 } from "uuid";

/**
 * A new id: UUIDv7, so that rows made together lie together in every index. Made by the
 * application and not by the database, which keeps sequences out of the schema.
 */
export function newId(): string {
  return v7();
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

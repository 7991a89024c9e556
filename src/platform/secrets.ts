import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AppError } from "./errors.ts";

/** How long the secret before is taken, or signs too, after a new one was made: in that time the other side is changed. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts what must be kept and shown to nobody. */
export interface SecretBox {
  /**
   * @param place where it is kept: it cannot be opened anywhere else
   * @throws {AppError} `unavailable` where there is no key
   */
  seal(text: string, place: string): Buffer;
  /** @throws {AppError} `unavailable` where there is no key, or another one than it was sealed with */
  open(sealed: Buffer, place: string): string;
}

/** AES-256-GCM: 12 bytes of nonce, 16 of tag, then the text. `key` has 32 bytes, or is undefined where none was given. */
export function createSecretBox(key: Buffer | undefined): SecretBox {
  const required = () => {
    if (key !== undefined) return key;
    throw new AppError("unavailable", "Secrets cannot be kept here: SECRETS_KEY is not set.");
  };
  return {
    seal: (text, place) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", required(), iv).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },
    open: (sealed, place) => {
      const decipher = createDecipheriv("aes-256-gcm", required(), sealed.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      try {
        const text = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new AppError("unavailable", "The secret was encrypted with another SECRETS_KEY.", { cause });
      }
    },
  };
}

/** Whether it can be opened here: what was sealed with a key that is lost cannot, and must not stand in the way of a new one. */
export function isOpenable(box: SecretBox, sealed: Buffer, place: string): boolean {
  try {
    box.open(sealed, place);
    return true;
  } catch {
    return false;
  }
}

/** Secrets as they are kept, encrypted. */
export interface KeptSecrets {
  secret: Buffer | null;
  previousSecret: Buffer | null;
  previousSecretUntil: Date | null;
}

/**
 * The secrets that hold at this moment, newest first: none, one, or two while the one before is still taken.
 * @param place where they were sealed for
 * @throws {AppError} `unavailable` without SECRETS_KEY, or where the newest was sealed with another one
 */
export function openSecrets(box: SecretBox, place: string, kept: KeptSecrets, now: Date): string[] {
  const { secret, previousSecret, previousSecretUntil } = kept;
  const isTaken = previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > now;
  const previous = isTaken && isOpenable(box, previousSecret, place) ? previousSecret : null;
  return [secret, previous].flatMap((sealed) => (sealed === null ? [] : box.open(sealed, place)));
}

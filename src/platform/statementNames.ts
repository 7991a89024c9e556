import { createHash } from "node:crypto";

const names = new Map<string, string>();

/** The name of a prepared statement: of another text another one, whoever shares the connection. */
export function nameOf(text: string): string {
  const name = names.get(text) ?? createHash("sha256").update(text).digest("base64url").slice(0, 22);
  names.set(text, name);
  return name;
}

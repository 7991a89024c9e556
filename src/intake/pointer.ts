/** Says whether the text is a JSON Pointer (RFC 6901). */
export function isPointer(text: string): boolean {
  return /^(\/([^/~]|~[01])*)*$/.test(text);
}

/** What the pointer leads to; undefined where there is nothing. */
export function follow(value: unknown, pointer: string): unknown {
  let found = value;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    // Of a list only its elements: neither its length nor 01.
    if (Array.isArray(found) && !/^(0|[1-9]\d*)$/.test(name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

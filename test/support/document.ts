import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { FORMAT_TESTS } from "../../src/platform/schema.ts";

/**
 * The committed document about the interface. To callers its answers are open, as fields are added in time; here they are
 * closed, so that nothing is answered that it does not have.
 */
export async function readDocument() {
  const document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
  close(document);
  return document;
}

/** A validator that knows the schemas of the document, as what begins with `document#/`. */
export function createValidator(document: { components?: object }) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: "document", components: document.components });
  for (const [format, isValid] of Object.entries(FORMAT_TESTS)) ajv.addFormat(format, isValid);
  return ajv;
}

function close(schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return;
  const { type, properties } = schema as { type?: unknown; properties?: unknown };
  if (type === "object" && typeof properties === "object" && !("additionalProperties" in schema)) {
    Object.assign(schema, { additionalProperties: false });
  }
  for (const part of Object.values(schema)) close(part);
}

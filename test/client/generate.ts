// Writes the types of the interface as the OpenAPI document has them; `npm run check` does it before it looks at their use.
import { readFile, writeFile } from "node:fs/promises";
import { registerHooks } from "node:module";

// The generator builds on the API of TypeScript, which version 7 has no more.
const compiler = import.meta.resolve("@ts-morph/common/dist/typescript.js");
registerHooks({
  resolve: (specifier, context, next) => next(specifier === "typescript" ? compiler : specifier, context),
});
const { default: openapiTS, astToString } = await import("openapi-typescript");

const document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
const types = astToString(await openapiTS(document, { immutable: false }));
await writeFile(new URL("api.d.ts", import.meta.url), `// Made by generate.ts of openapi/openapi.json.\n${types}`);

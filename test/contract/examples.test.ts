import { readFile, writeFile } from "node:fs/promises";
import t from "tap";
import type { Document } from "../support/arbitraries.ts";
import { startService } from "../support/service.ts";
import { tellStory } from "../support/story/story.ts";
import { comparable, normalise, startStory } from "../support/story/telling.ts";

const FILE = new URL("../../src/examples.json", import.meta.url);
const document: Document = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));

t.test("the examples of the document are what the service answers: WRITE_EXAMPLES=1 writes them anew", async (t) => {
  const service = await startService(t, { publicUrl: "https://afterscore.example" });
  const client = await service.newClient();
  const begun = Date.now();
  const story = startStory(document, service, client);
  const webhooks = await tellStory(service, story);
  const limited = await client.withScopes("responses:read");
  await story.tell("listCases", { apiKey: limited.apiKey, refused: "forbidden" });
  const told = { operations: story.examples, problems: story.problems, webhooks };
  const examples = normalise(told, begun);
  const before = JSON.parse(await readFile(FILE, "utf8"));
  const isSame = JSON.stringify(comparable(examples)) === JSON.stringify(comparable(before));
  if (process.env["WRITE_EXAMPLES"] === "1" && !isSame) await writeFile(FILE, `${JSON.stringify(examples, null, 2)}\n`);
  const committed = JSON.parse(await readFile(FILE, "utf8"));
  for (const [name, example] of Object.entries(examples.operations)) {
    t.same(comparable(example), comparable(committed.operations[name]), name);
  }
  for (const [code, problem] of Object.entries(examples.problems)) {
    t.same(comparable(problem), comparable(committed.problems[code]), code);
  }
  const names = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  t.same(
    names.filter((name) => !(name in examples.operations)),
    ["openapiJson", "schemaGraphql"],
  );
});

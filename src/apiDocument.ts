import { readFileSync } from "node:fs";
import type { Pool } from "pg";
import { buildApp, graphqlSchema } from "./app.ts";
import type { Examples } from "./platform/describing.ts";
import { gatherInBatches } from "./platform/gathering.ts";
import type { Logger } from "./platform/logger.ts";
import { describeInterface, registerOpenapi } from "./platform/openapi.ts";
import { describeEvents } from "./webhooks/index.ts";

/** What the OpenAPI document says of the whole. */
const INFO = {
  title: "Afterscore",
  version: "0.1.0",
  description:
    "Closed-loop NPS: survey answers in, follow-up cases and exact scores out. Every call but those of `Operations` and the intake of survey tools sends `Authorization: Bearer <API key or JWT>`, which decides the workspace. Errors are problem documents (RFC 9457) with a `code` from a closed list. Version 1 only adds: ignore fields that you do not know.",
  license: { name: "MIT", identifier: "MIT" },
};

/** The parts of the interface, in the order in which somebody new needs them. */
const TAGS = [
  { name: "Responses", description: "Recording answers to surveys, changing and reading them" },
  { name: "Surveys", description: "What was asked" },
  { name: "People", description: "Who answered, and the accounts they belong to" },
  { name: "Cases", description: "The follow-up: whom to contact until when, and what became of it" },
  { name: "Causes", description: "What makes customers unhappy, and the improvements that take it away" },
  { name: "Themes", description: "What comments speak of" },
  { name: "Imports", description: "Files of answers, recorded in the background" },
  { name: "Exports", description: "Everything as a file, as of one moment" },
  { name: "Sources", description: "Survey tools that send answers by signed webhook" },
  { name: "Webhooks", description: "What happened, told to others: endpoints, their deliveries, and the feed" },
  { name: "Privacy", description: "What people may ask: what is held about them, and to be erased" },
  { name: "Workspace", description: "The workspace itself: its settings, keys, policy and audit log" },
  { name: "GraphQL", description: "Questions over everything, with scores, trends and changes" },
  { name: "Operations", description: "For those who run the service, and this document; open to everybody" },
];

/** What a test has recorded of a real server: see `test/contract/examples.test.ts`. */
function readExamples(): Examples {
  return JSON.parse(readFileSync(new URL("./examples.json", import.meta.url), "utf8"));
}

/** The documents about the interface, made of the code; needs no database. */
export async function describeApp(pool: Pool, logger: Logger): Promise<{ openapi: string; sdl: string }> {
  const app = await buildApp(pool, logger, {}, gatherInBatches, async (created) =>
    registerOpenapi(created, { info: INFO, tags: TAGS, examples: readExamples() }, describeEvents()),
  );
  await app.ready();
  const documents = describeInterface(app, graphqlSchema);
  await app.close();
  return documents;
}

import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { defineInput } from "../platform/graphqlInput.ts";
import { Id, isKey } from "../platform/schema.ts";
import { CommitmentOutcomeSchema, OpenCaseSchema, ReferenceInputSchema, SYSTEM_LENGTH_MAX } from "./commands.ts";
import { COMMANDS } from "./commandTable.ts";
import { settleCommitment } from "./committing.ts";
import { CaseType } from "./graphql.ts";
import { openCaseByHand } from "./manualOpening.ts";
import { putCaseReference } from "./working.ts";

const CASE_ID = "UUID of the case; `not_found` where there is none";
const VERSION = "Only if the case is still at this version, else `conflict`; whatever its version when absent";
const extensions = { scope: "cases:write" };

/** As `If-Match`: undefined for any version. */
function versionsOf(version: number | null | undefined): readonly string[] | undefined {
  return typeof version === "number" ? [String(version)] : undefined;
}

/** The name of another system, as it stands in the path of the REST call. */
function parseSystem(system: string): string {
  if (isKey(system) && system.length <= SYSTEM_LENGTH_MAX) return system;
  throw invalidRequest([{ name: "system", reason: "must be letters, digits, dots, hyphens and underscores" }]);
}

/** One mutation for each command, with the body of the REST call as its input. */
for (const { name, summary, input, verb } of COMMANDS) {
  const { ref, read } = defineInput(input);
  builder.mutationField(name, (t) =>
    t.field({
      type: CaseType,
      description: summary,
      extensions,
      args: {
        id: t.arg.id({ required: true, description: CASE_ID }),
        version: t.arg.int({ description: VERSION }),
        input: t.arg({
          type: ref,
          required: true,
          description: "What is to be recorded, like the body of the REST call",
        }),
      },
      resolve: (_root, args, context) => {
        const target = { id: parseId("id", args.id), versions: versionsOf(args.version) };
        // What was read is what the schema of the command says; the table says which verb takes it.
        const given = read(args.input) as never;
        return context.write((tx) => verb(tx, target, given));
      },
    }),
  );
}

const referring = defineInput(ReferenceInputSchema);
const opening = defineInput(OpenCaseSchema);
const settling = defineInput(CommitmentOutcomeSchema, {
  commitmentId: Id("UUID of the commitment; `not_found` where the case has none such"),
});

builder.mutationFields((t) => ({
  openCase: t.field({
    type: CaseType,
    description: "Open a case by hand; where the person has one that is worked, the answer joins it",
    extensions,
    args: {
      input: t.arg({ type: opening.ref, required: true, description: "The answer that the case is about, and why" }),
    },
    resolve: async (_root, args, context) => {
      const input = opening.read(args.input);
      return (await context.write((tx) => openCaseByHand(tx, input))).opened;
    },
  }),
  putCaseReference: t.field({
    type: CaseType,
    description: "Name the ticket that another system has about a case",
    extensions,
    args: {
      id: t.arg.id({ required: true, description: CASE_ID }),
      version: t.arg.int({ description: VERSION }),
      system: t.arg.string({
        required: true,
        description: "Your name of the other system: 1 to 64 letters, digits, dots, hyphens and underscores",
      }),
      input: t.arg({ type: referring.ref, required: true, description: "The ticket there" }),
    },
    resolve: (_root, args, context) => {
      const target = { id: parseId("id", args.id), versions: versionsOf(args.version) };
      const system = parseSystem(args.system);
      const input = referring.read(args.input);
      return context.write((tx) => putCaseReference(tx, target, system, input));
    },
  }),
  settleCommitment: t.field({
    type: CaseType,
    description: "Say whether a commitment was kept",
    extensions,
    args: {
      id: t.arg.id({ required: true, description: CASE_ID }),
      version: t.arg.int({ description: VERSION }),
      input: t.arg({ type: settling.ref, required: true, description: "Which commitment, and whether it was kept" }),
    },
    resolve: (_root, args, context) => {
      const target = { id: parseId("id", args.id), versions: versionsOf(args.version) };
      const { commitmentId, kept } = settling.read(args.input) as { commitmentId: string; kept: boolean };
      return context.write((tx) => settleCommitment(tx, target, { commitmentId, kept }));
    },
  }),
}));

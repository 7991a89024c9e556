import type { TSchema } from "@sinclair/typebox";
import type { ErrorCode } from "../platform/errors.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import type { Target } from "./changing.ts";
import {
  AssessmentSchema,
  AssigneeSchema,
  CausesSchema,
  ClosureSchema,
  CommitmentInputSchema,
  ContactSchema,
  NoteSchema,
  ParkingSchema,
  ReopeningSchema,
  ResolutionSchema,
  VerificationSchema,
} from "./commands.ts";
import { addCommitment } from "./committing.ts";
import { recordContact } from "./contacting.ts";
import { closeCase, parkCase, reopenCase, resolveCase, verifyCase } from "./ending.ts";
import type { Case } from "./model.ts";
import { addCaseNote, assessCase, assignCase, setCaseCauses } from "./working.ts";

/** A command on a case: one verb, called by `POST /v1/cases/{id}/<path>` and by the mutation of its name. */
export interface Command {
  name: string;
  path: string;
  summary: string;
  input: TSchema;
  /** What it is refused for besides what every command is. */
  errors?: readonly ErrorCode[];
  verb: (tx: WorkspaceTx, target: Target, input: never) => Promise<Case>;
}

/** Everything that is done to one case, apart from what names a second thing in its path. */
export const COMMANDS: readonly Command[] = [
  {
    name: "assignCase",
    path: "assignee",
    summary: "Make somebody accountable for a case, or nobody",
    input: AssigneeSchema,
    verb: assignCase,
  },
  {
    name: "recordContact",
    path: "contacts",
    summary: "Record that somebody reached out, or tried to; the first time we reached the customer stops the clock",
    input: ContactSchema,
    verb: recordContact,
  },
  { name: "addCaseNote", path: "notes", summary: "Add a note to a case", input: NoteSchema, verb: addCaseNote },
  {
    name: "addCommitment",
    path: "commitments",
    summary: "Record what was promised to the customer, and for when",
    input: CommitmentInputSchema,
    verb: addCommitment,
  },
  {
    name: "setCaseCauses",
    path: "causes",
    summary: "Say what the customer blames, and what it was",
    input: CausesSchema,
    verb: setCaseCauses,
  },
  {
    name: "assessCase",
    path: "assessment",
    summary: "Say how well a case can be mended; the queue follows",
    input: AssessmentSchema,
    verb: assessCase,
  },
  {
    name: "parkCase",
    path: "parking",
    summary: "Park a case until an improvement ships or is dropped",
    input: ParkingSchema,
    errors: ["invalid_transition"],
    verb: parkCase,
  },
  {
    name: "resolveCase",
    path: "resolution",
    summary: "Say that a case is resolved, and how",
    input: ResolutionSchema,
    errors: ["invalid_transition"],
    verb: resolveCase,
  },
  {
    name: "verifyCase",
    path: "verification",
    summary: "Say whether the customer agrees that it is resolved",
    input: VerificationSchema,
    errors: ["invalid_transition"],
    verb: verifyCase,
  },
  {
    name: "closeCase",
    path: "closure",
    summary: "Close a case as it is, with the reason",
    input: ClosureSchema,
    errors: ["invalid_transition"],
    verb: closeCase,
  },
  {
    name: "reopenCase",
    path: "reopening",
    summary: "Open a case again, with a first-contact clock of its own",
    input: ReopeningSchema,
    errors: ["invalid_transition"],
    verb: reopenCase,
  },
];

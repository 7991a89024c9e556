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
  description: string;
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
    description: "Their word is free: an e-mail address, a user's id. Where it changes, `case.assigned` is told.",
    input: AssigneeSchema,
    verb: assignCase,
  },
  {
    name: "recordContact",
    path: "contacts",
    summary: "Record that somebody reached out, or tried to; the first time we reached the customer stops the clock",
    description:
      "Accepted in every status. The first OUTBOUND contact that REACHED, LEFT_MESSAGE or SENT stops the clock and makes an OPEN case CONTACTED; NO_ANSWER and BOUNCED are only remembered. One that happened in time and is entered late turns MISSED into MET.",
    input: ContactSchema,
    verb: recordContact,
  },
  {
    name: "addCaseNote",
    path: "notes",
    summary: "Add a note to a case, for those who work it",
    description: "Accepted in every status. It stays for good, or until the person is erased.",
    input: NoteSchema,
    verb: addCaseNote,
  },
  {
    name: "addCommitment",
    path: "commitments",
    summary: "Record what was promised to the customer, and for when",
    description:
      "When its day begins in the workspace's time zone, `commitment.due` is told, unless somebody has said by then what became of it.",
    input: CommitmentInputSchema,
    verb: addCommitment,
  },
  {
    name: "setCaseCauses",
    path: "causes",
    summary: "Say what the customer blames, and what it was",
    description: "Keys of root causes: what is absent stays, null clears. Improvements find their audience by them.",
    input: CausesSchema,
    verb: setCaseCauses,
  },
  {
    name: "assessCase",
    path: "assessment",
    summary: "Say how well a case can be mended; the queue follows",
    description:
      "How well it can be mended and whether they may say it in public, as somebody judges it: points of the priority. What is absent stays.",
    input: AssessmentSchema,
    verb: assessCase,
  },
  {
    name: "parkCase",
    path: "parking",
    summary: "Park a case until an improvement ships or is dropped",
    description:
      "For a case that is CONTACTED. It comes back as CONTACTED when the improvement ships or is dropped; one that has already is 409 `conflict`.",
    input: ParkingSchema,
    errors: ["invalid_transition"],
    verb: parkCase,
  },
  {
    name: "resolveCase",
    path: "resolution",
    summary: "Say that a case is resolved, and how",
    description:
      "For a case that is CONTACTED or PARKED. Ask the customer afterwards whether they agree: `POST /v1/cases/{id}/verification`.",
    input: ResolutionSchema,
    errors: ["invalid_transition"],
    verb: resolveCase,
  },
  {
    name: "verifyCase",
    path: "verification",
    summary: "Say whether the customer agrees that it is resolved",
    description:
      "For a case that is RESOLVED: satisfied closes it, unsatisfied makes it CONTACTED again. `verbalScore` stays with the case and is never counted as an answer.",
    input: VerificationSchema,
    errors: ["invalid_transition"],
    verb: verifyCase,
  },
  {
    name: "closeCase",
    path: "closure",
    summary: "Close a case as it is, with the reason",
    description: "From every status but CLOSED. What its clock comes to is not announced any more.",
    input: ClosureSchema,
    errors: ["invalid_transition"],
    verb: closeCase,
  },
  {
    name: "reopenCase",
    path: "reopening",
    summary: "Open a case again, with a first-contact clock of its own",
    description:
      "For a case that is RESOLVED or CLOSED; it is OPEN again. While the person has another case that is worked it is 409 `conflict`, with that case's id.",
    input: ReopeningSchema,
    errors: ["invalid_transition"],
    verb: reopenCase,
  },
];

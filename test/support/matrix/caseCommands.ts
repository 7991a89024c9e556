// Every command on a case: it is given by a REST call and by a mutation, to which the same must happen.
import type { Client } from "../service.ts";
import { CLOSURE, CONTACT, caseAfter, type Ids, improved, parkable, RESOLUTION } from "./things.ts";

interface CommandCase {
  /** After `/v1/cases/{id}/`. */
  path: string;
  /** A case on which it succeeds. */
  ids: (client: Client) => Promise<Ids>;
  input: (ids: Ids) => object;
}

const onNew = caseAfter();

/** A case beside a root cause. */
async function withCause(client: Client): Promise<Ids> {
  const ids = await improved(client);
  return { ...ids, id: ids["caseId"] ?? "" };
}

/** By their mutations. */
export const CASE_COMMANDS: Record<string, CommandCase> = {
  assignCase: { path: "assignee", ids: onNew, input: () => ({ assignee: "ben@example.com" }) },
  recordContact: { path: "contacts", ids: onNew, input: () => CONTACT },
  addCaseNote: { path: "notes", ids: onNew, input: () => ({ text: "Asked the bank" }) },
  addCommitment: { path: "commitments", ids: onNew, input: () => ({ text: "We call", dueOn: "2026-12-24" }) },
  setCaseCauses: {
    path: "causes",
    ids: withCause,
    input: ({ key }) => ({ statedCause: key, actualCause: key }),
  },
  assessCase: { path: "assessment", ids: onNew, input: () => ({ feasibility: 5 }) },
  parkCase: { path: "parking", ids: parkable, input: ({ improvementId }) => ({ improvementId }) },
  resolveCase: {
    path: "resolution",
    ids: parkable,
    input: ({ key }) => ({ ...RESOLUTION, actualCause: key }),
  },
  verifyCase: {
    path: "verification",
    ids: caseAfter(["contacts", CONTACT], ["resolution", RESOLUTION]),
    input: () => ({ satisfied: true }),
  },
  closeCase: { path: "closure", ids: onNew, input: () => CLOSURE },
  reopenCase: { path: "reopening", ids: caseAfter(["closure", CLOSURE]), input: () => ({ reason: "Again" }) },
};

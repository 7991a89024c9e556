import { COMMANDS } from "../../src/cases/commandTable.ts";
import type { Client } from "./service.ts";

/** What became of a command, however it was given. */
export interface Outcome {
  /** The code of the error, or `ok`. */
  code: string;
  /** The case after it. */
  case?: any;
  allowedMoves?: string[];
}

/** Gives commands about cases, in one of the two ways callers have. */
export interface Driver {
  name: string;
  /** @param command by the name of its mutation */
  command(id: string, command: string, input: object, version?: number): Promise<Outcome>;
  openCase(input: object): Promise<Outcome>;
  createImprovement(input: object): Promise<string>;
  setImprovementStatus(id: string, status: string): Promise<void>;
  read(id: string): Promise<any>;
}

const CASE_FIELDS = `id version status priority reasons assignee outcome resolution improvementId previousCaseId
  causes { stated actual } assessment { feasibility alignment publicRisk } commitments { id text dueOn kept }
  firstContact { startedAt dueAt metAt state cause arrivedLate } clocks { startedAt dueAt metAt state cause arrivedLate }
  references { system externalId url } activities { type text details occurredAt recordedAt actor { kind } }`;

export function restDriver(client: Client): Driver {
  const paths = new Map(COMMANDS.map(({ name, path }) => [name, path]));
  const outcome = ({ status, body }: { status: number; body: any }): Outcome =>
    status < 300 ? { code: "ok", case: body } : { code: body.code, allowedMoves: body.allowedMoves };
  return {
    name: "REST",
    command: async (id, command, input, version) => {
      const { commitmentId, ...kept } = input as Record<string, unknown>;
      const path = command === "settleCommitment" ? `commitments/${String(commitmentId)}/outcome` : paths.get(command);
      const headers = version === undefined ? {} : { "if-match": `"${version}"` };
      return outcome(await client.post(`/v1/cases/${id}/${path}`, commitmentId === undefined ? input : kept, headers));
    },
    openCase: async (input) => outcome(await client.post("/v1/cases", input)),
    createImprovement: async (input) => (await client.post("/v1/improvements", input)).body.id,
    setImprovementStatus: async (id, status) => {
      const answer = await client.post(`/v1/improvements/${id}/status`, { status });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    },
    read: async (id) => (await client.get(`/v1/cases/${id}`)).body,
  };
}

export function graphqlDriver(client: Client): Driver {
  const inputs = new Map(COMMANDS.map(({ name, input }) => [name, String(input["$id"])]));
  inputs.set("settleCommitment", "CommitmentOutcomeInput");
  const send = async (name: string, query: string, variables: object): Promise<Outcome> => {
    const { body } = await client.post("/graphql", { query, variables });
    if (body.errors === undefined) return { code: "ok", case: body.data[name] };
    const { code, allowedMoves } = body.errors[0].extensions;
    return { code, allowedMoves };
  };
  return {
    name: "GraphQL",
    command: (id, command, input, version) =>
      send(
        command,
        `mutation ($id: ID!, $version: Int, $input: ${inputs.get(command)}!) {
          ${command}(id: $id, version: $version, input: $input) { ${CASE_FIELDS} } }`,
        { id, input, version },
      ),
    openCase: (input) =>
      send("openCase", `mutation ($input: OpenCaseInput!) { openCase(input: $input) { ${CASE_FIELDS} } }`, { input }),
    createImprovement: async (input) => {
      const query = "mutation ($input: ImprovementInput!) { createImprovement(input: $input) { id } }";
      return (await client.query(query, { input })).createImprovement.id;
    },
    setImprovementStatus: async (id, status) => {
      const query =
        "mutation ($id: ID!, $input: ImprovementStatusInput!) { setImprovementStatus(id: $id, input: $input) { status } }";
      await client.query(query, { id, input: { status } });
    },
    read: async (id) => (await client.query(`query ($id: ID!) { case(id: $id) { ${CASE_FIELDS} } }`, { id })).case,
  };
}

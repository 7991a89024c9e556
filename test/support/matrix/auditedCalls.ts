import type { Answer, Client } from "../service.ts";

/** What people write about people. None of it is remembered in the audit log. */
export const PROSE = "Ana Canary, ana.canary@example.com, +49 30 1234567";

export interface AuditedCall {
  operation: string;
  /** The actions it is to leave, in any order. */
  audits: string[];
  send: (client: Client) => Promise<Answer>;
}

/** Responses that the calls are about. */
interface About {
  unhappy: { id: string; case: { id: string } };
  happy: { id: string; person: { id: string } };
}

/**
 * A call of every kind that leaves an entry in the audit log, in an order in which each succeeds.
 * @returns the calls, and the ids of what they are about, by name, once it is there
 */
export function auditedCalls({ unhappy, happy }: About): { calls: AuditedCall[]; ids: Record<string, string> } {
  const ids: Record<string, string> = { case: unhappy.case.id };
  const keep = (name: string) => (made: Answer) => {
    ids[name] = made.body.id;
    return made;
  };
  const onCase = (operation: string, path: string, body: object, audits: string[]): AuditedCall => ({
    operation,
    audits,
    send: (by) => by.post(`/v1/cases/${ids["case"]}/${path}`, body),
  });
  const calls: AuditedCall[] = [
    {
      operation: "changeWorkspace",
      audits: ["workspace.changed"],
      send: (by) => by.patch("/v1/workspace", { name: "Acme" }),
    },
    {
      operation: "createApiKey",
      audits: ["api_key.created"],
      send: (by) => by.post("/v1/api-keys", { name: "site", scopes: ["cases:read"] }).then(keep("key")),
    },
    {
      operation: "rotateApiKey",
      audits: ["api_key.rotated"],
      send: (by) => by.post(`/v1/api-keys/${ids["key"]}/rotation`, {}),
    },
    { operation: "revokeApiKey", audits: ["api_key.revoked"], send: (by) => by.delete(`/v1/api-keys/${ids["key"]}`) },
    { operation: "putSurvey", audits: ["survey.put"], send: (by) => by.put("/v1/surveys/default", { name: "Yearly" }) },
    {
      operation: "putFirstContactPolicy",
      audits: ["policy.saved"],
      send: (by) => by.put("/v1/policies/first-contact", { detractor: { hours: 12 } }),
    },
    {
      operation: "putTheme",
      audits: ["theme.put"],
      send: (by) => by.put("/v1/themes/price", { label: "Price", phrases: ["dear"] }),
    },
    {
      operation: "putRootCause",
      audits: ["root_cause.put"],
      send: (by) => by.put("/v1/root-causes/price", { label: "Price" }),
    },
    {
      operation: "createImprovement",
      audits: ["improvement.created"],
      send: (by) => by.post("/v1/improvements", { title: PROSE, rootCauseKeys: ["price"] }).then(keep("improvement")),
    },
    {
      operation: "markTold",
      audits: ["improvement.told"],
      send: (by) => by.post(`/v1/improvements/${ids["improvement"]}/told`, { personIds: [happy.person.id] }),
    },
    {
      operation: "createSource",
      audits: ["source.created"],
      send: (by) => by.post("/v1/sources", { name: "Tally", vendor: "TALLY" }).then(keep("source")),
    },
    {
      operation: "changeSource",
      audits: ["source.changed"],
      send: (by) => by.patch(`/v1/sources/${ids["source"]}`, { name: "Ours" }),
    },
    {
      operation: "replaySourceReceipts",
      audits: ["source.replayed"],
      send: (by) => by.post(`/v1/sources/${ids["source"]}/receipts/replay`, {}),
    },
    { operation: "deleteSource", audits: ["source.deleted"], send: (by) => by.delete(`/v1/sources/${ids["source"]}`) },
    {
      operation: "createWebhookEndpoint",
      audits: ["webhook_endpoint.created"],
      send: (by) =>
        by
          .post("/v1/webhook-endpoints", { url: "https://example.com/", eventTypes: ["response.recorded"] })
          .then(keep("endpoint")),
    },
    {
      operation: "changeWebhookEndpoint",
      audits: ["webhook_endpoint.changed"],
      send: (by) => by.patch(`/v1/webhook-endpoints/${ids["endpoint"]}`, { status: "PAUSED" }),
    },
    {
      operation: "changeWebhookEndpoint",
      audits: ["webhook_endpoint.disabled"],
      send: (by) => by.patch(`/v1/webhook-endpoints/${ids["endpoint"]}`, { status: "DISABLED" }),
    },
    {
      operation: "rotateWebhookSecret",
      audits: ["webhook_endpoint.secret_rotated"],
      send: (by) => by.post(`/v1/webhook-endpoints/${ids["endpoint"]}/secret-rotation`, {}),
    },
    {
      operation: "deleteWebhookEndpoint",
      audits: ["webhook_endpoint.deleted"],
      send: (by) => by.delete(`/v1/webhook-endpoints/${ids["endpoint"]}`),
    },
    {
      operation: "excludeResponse",
      audits: ["response.excluded"],
      send: (by) => by.post(`/v1/responses/${happy.id}/exclusion`, { reason: "OTHER", note: PROSE }),
    },
    {
      operation: "includeResponse",
      audits: ["response.included"],
      send: (by) => by.delete(`/v1/responses/${happy.id}/exclusion`),
    },
    {
      operation: "acknowledgeResponse",
      audits: ["response.acknowledged"],
      send: (by) => by.post(`/v1/responses/${happy.id}/acknowledgement`, {}),
    },
    {
      operation: "putResponse",
      audits: ["response.excluded"],
      send: (by) =>
        by.put("/v1/responses", {
          score: 9,
          source: "api",
          externalId: "r2",
          updatedAt: new Date().toISOString(),
          test: true,
        }),
    },
    {
      operation: "changeResponse",
      audits: ["case.response_changed"],
      send: (by) => by.patch(`/v1/responses/${unhappy.id}`, { score: 2, comment: `${PROSE}!` }),
    },
    {
      operation: "openCase",
      audits: ["case.opened"],
      send: (by) => by.post("/v1/cases", { responseId: happy.id, note: PROSE }),
    },
    onCase("assignCase", "assignee", { assignee: "staff@example.com" }, ["case.assigned"]),
    onCase("assessCase", "assessment", { feasibility: 5 }, ["case.assessed"]),
    onCase("setCaseCauses", "causes", { statedCause: "price" }, ["case.causes_set"]),
    onCase("addCaseNote", "notes", { text: PROSE }, ["case.note"]),
    onCase("recordContact", "contacts", { channel: "PHONE", direction: "OUTBOUND", outcome: "REACHED", note: PROSE }, [
      "case.contact",
    ]),
    {
      operation: "addCommitment",
      audits: ["case.commitment_made"],
      send: async (by) => {
        const made = await by.post(`/v1/cases/${ids["case"]}/commitments`, { text: PROSE, dueOn: "2999-12-24" });
        ids["commitment"] = made.body.commitments[0].id;
        return made;
      },
    },
    {
      operation: "settleCommitment",
      audits: ["case.commitment_settled"],
      send: (by) => by.post(`/v1/cases/${ids["case"]}/commitments/${ids["commitment"]}/outcome`, { kept: true }),
    },
    {
      operation: "putCaseReference",
      audits: ["case.reference_put"],
      send: (by) => by.put(`/v1/cases/${ids["case"]}/references/zendesk`, { externalId: "1" }),
    },
    {
      operation: "parkCase",
      audits: ["case.parked"],
      send: (by) => by.post(`/v1/cases/${ids["case"]}/parking`, { improvementId: ids["improvement"] }),
    },
    {
      operation: "setImprovementStatus",
      audits: ["improvement.status_changed", "case.unparked"],
      send: (by) => by.post(`/v1/improvements/${ids["improvement"]}/status`, { status: "SHIPPED" }),
    },
    onCase("resolveCase", "resolution", { outcome: "FIXED", resolution: PROSE }, ["case.resolved"]),
    onCase("verifyCase", "verification", { satisfied: true, note: PROSE }, ["case.verified"]),
    onCase("reopenCase", "reopening", { reason: PROSE }, ["case.reopened"]),
    onCase("closeCase", "closure", { outcome: "GOODWILL", reason: PROSE }, ["case.closed"]),
  ];
  return { calls, ids };
}

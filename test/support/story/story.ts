// A day of a customer who is unhappy, by every operation of the interface once: what the document's examples are.

import { eraseCopies, findRunningErasures } from "../../../src/privacy/index.ts";
import { relayAll } from "../events.ts";
import { workImports } from "../files.ts";
import type { Service } from "../service.ts";
import { refuse } from "./refusals.ts";
import type { Story } from "./telling.ts";

type Tell = Story["tell"];

const SURVEY = "relationship-2026";
const ACCOUNT = {
  externalId: "acme",
  name: "Acme",
  segment: "ENTERPRISE",
  annualValue: 120_000,
  currency: "EUR",
  owner: "ana@afterscore.example",
};
const ERIN = { externalId: "u-7", email: "erin@acme.example", phone: "+49 30 901820", name: "Erin Example" };
const ANSWER = {
  score: 3,
  survey: { key: SURVEY, kind: "RELATIONSHIP" },
  comment: "The export has been slow for weeks, and nobody answers.",
  respondedAt: "2026-05-04T09:12:00Z",
  source: "shop",
  externalId: "resp_81",
  channel: "EMAIL",
  touchpoint: "onboarding",
  language: "en",
  properties: { plan: "pro", seats: 40 },
  person: { ...ERIN, account: ACCOUNT },
};

/** Tells it on a workspace without anything in it. @returns what was sent to endpoints, by its type */
export async function tellStory(service: Service, story: Story): Promise<Record<string, unknown>> {
  const { tell } = story;
  await operate(tell);
  const endpoint = await subscribe(tell);
  const { response, promoter } = await answer(tell);
  await describe(tell);
  const improvement = await improve(tell);
  await followUp(tell, { response, promoter, improvement });
  await refuse(story, { response, caseId: response.case.id });
  await importFile(service, tell);
  await takeIn(tell);
  await administrate(tell);
  const events = await watch(service, tell, endpoint);
  await tell("graphql", {
    body: {
      query:
        "query Score($from: DateTime) { nps(filter: { from: $from }) { nps answered promoters passives detractors } }",
      variables: { from: "2026-05-01T00:00:00Z" },
    },
  });
  await readLists(tell);
  await leave(service, tell, endpoint);
  return events;
}

async function operate(tell: Tell) {
  for (const name of ["livez", "readyz"]) await tell(name, { apiKey: null });
}

async function subscribe(tell: Tell) {
  const { id } = await tell("createWebhookEndpoint", {
    body: {
      url: "https://crm.acme.example/afterscore",
      eventTypes: ["case.opened", "case.first_contact_due_soon", "case.first_contact_missed"],
      filter: { segments: ["ENTERPRISE"] },
      description: "Opens a task in our CRM",
    },
  });
  return id as string;
}

async function answer(tell: Tell) {
  const response = await tell("recordResponse", {
    body: ANSWER,
    headers: { "idempotency-key": "1f7c0d6e" },
  });
  await tell("putResponse", {
    body: { ...ANSWER, comment: `${ANSWER.comment} Please call.`, updatedAt: "2026-05-04T09:13:00Z" },
  });
  await tell("recordResponses", {
    body: {
      responses: [
        {
          score: 9,
          survey: { key: SURVEY },
          source: "shop",
          externalId: "resp_82",
          person: { email: "sam@acme.example" },
        },
        { score: 4, survey: { key: SURVEY }, source: "shop", externalId: "resp_81" },
      ],
    },
  });
  const ids = { id: response.id as string };
  await tell("changeResponse", { ids, body: { followUpRequested: true, properties: { plan: "enterprise" } } });
  await tell("getResponse", { ids });
  const { data } = await tell("listResponses", { query: { surveyKey: SURVEY, category: "PROMOTER", limit: "1" } });
  const promoter = data[0].id as string;
  await tell("excludeResponse", { ids: { id: promoter }, body: { reason: "INTERNAL", note: "Our own trainer" } });
  await tell("includeResponse", { ids: { id: promoter } });
  return { response, promoter };
}

async function describe(tell: Tell) {
  await tell("putSurvey", {
    ids: { key: SURVEY },
    body: { name: "Relationship 2026", question: "How likely are you to recommend us to a colleague?" },
  });
  const person = await tell("putPerson", { body: { ...ERIN, properties: { role: "admin" }, account: ACCOUNT } });
  await tell("getPerson", { ids: { id: person.id } });
  await tell("listPeople", { query: { email: ERIN.email } });
  const account = await tell("putAccount", { body: { ...ACCOUNT, annualValue: 150_000 } });
  await tell("getAccount", { ids: { id: account.id } });
  await tell("listAccounts", { query: { segment: "ENTERPRISE" } });
  await tell("putTheme", { ids: { key: "speed" }, body: { label: "Speed", phrases: ["slow", "waiting for hours"] } });
}

async function improve(tell: Tell) {
  await tell("putRootCause", { ids: { key: "performance" }, body: { label: "Performance" } });
  await tell("putRootCause", { ids: { key: "export" }, body: { label: "Slow exports", parentKey: "performance" } });
  const { id } = await tell("createImprovement", {
    body: { title: "Exports in the background", rootCauseKeys: ["performance"] },
  });
  return id as string;
}

interface Facts {
  response: any;
  promoter: string;
  improvement: string;
}

async function followUp(tell: Tell, { response, promoter, improvement }: Facts) {
  const ids = { id: response.case.id as string };
  await tell("getCase", { ids });
  await tell("assignCase", { ids, body: { assignee: "ben@afterscore.example" } });
  await tell("recordContact", {
    ids,
    body: {
      channel: "PHONE",
      direction: "OUTBOUND",
      outcome: "REACHED",
      note: "Exports of more than 10,000 rows time out.",
      topics: ["LISTENED", "APOLOGISED"],
    },
  });
  await tell("addCaseNote", { ids, body: { text: "Same as ticket 4711." } });
  await tell("putCaseReference", {
    ids: { ...ids, system: "zendesk" },
    body: { externalId: "4711", url: "https://acme.zendesk.example/tickets/4711" },
  });
  const promised = await tell("addCommitment", {
    ids,
    body: { text: "We call when it is faster", dueOn: "2026-06-01" },
  });
  await tell("setCaseCauses", { ids, body: { statedCause: "performance", actualCause: "export" } });
  await tell("assessCase", { ids, body: { feasibility: 4, alignment: 5, publicRisk: false } });
  await tell("parkCase", { ids, body: { improvementId: improvement } });
  await tell("setImprovementStatus", { ids: { id: improvement }, body: { status: "SHIPPED" } });
  await tell("getImprovement", { ids: { id: improvement } });
  await tell("listAudience", { ids: { id: improvement } });
  await tell("markTold", { ids: { id: improvement }, body: { personIds: [response.person.id] } });
  const commitmentId = promised.commitments[0].id as string;
  await tell("settleCommitment", { ids: { ...ids, commitmentId }, body: { kept: true } });
  await tell("resolveCase", { ids, body: { outcome: "FIXED", resolution: "Exports run in the background now." } });
  await tell("verifyCase", { ids, body: { satisfied: true, verbalScore: 8, note: "Works." } });
  await tell("reopenCase", { ids, body: { reason: "The export of last night failed." } });
  await tell("closeCase", { ids, body: { outcome: "ALREADY_SOLVED", reason: "It was their proxy." } });
  await tell("acknowledgeResponse", { ids: { id: response.id } });
  const { id: caseId } = await tell("openCase", {
    body: { responseId: promoter, note: "Offers to be a reference: call back." },
  });
  await tell("exportActivities", { query: { caseId }, headers: { accept: "text/csv" } });
  await tell("listCaseActivities", { ids, query: { limit: "3" } });
  await tell("listCases", { query: { status: "OPEN", orderBy: "FIRST_CONTACT_DUE" } });
  await tell("putFirstContactPolicy", { body: { detractor: { hours: 24 }, dangerZone: { hours: 8 } } });
  await tell("getFirstContactPolicy");
}

async function importFile(service: Service, tell: Tell) {
  const { id } = await tell("importResponses", {
    query: { source: "archive", followUp: "NONE" },
    headers: { "content-type": "text/csv" },
    body: "score,externalId,respondedAt,comment,person.email\n9,a-1,2025-11-03T10:00:00Z,Great support,kim@acme.example\n12,a-2,2025-11-04T10:00:00Z,,\n",
  });
  await workImports(service);
  await tell("getImport", { ids: { id } });
  await tell("listImports");
  await tell("listImportRejections", { ids: { id } });
  for (const what of ["Responses", "Cases", "People", "Accounts"])
    await tell(`export${what}`, { headers: { accept: "text/csv" } });
}

async function takeIn(tell: Tell) {
  const { id } = await tell("createSource", {
    body: {
      name: "Kiosk in the shop",
      key: "kiosk",
      vendor: "JSON",
      secret: "a token of your own",
      mapping: { score: "/answer/score", externalId: "/answer/id", comment: "/answer/text" },
      defaults: { survey: { key: "visit", kind: "TRANSACTIONAL" }, channel: "IN_PERSON" },
    },
  });
  const body = { answer: { id: "k-17", score: 6, text: "Long queue" } };
  await tell("previewDelivery", { ids: { id }, body });
  await tell("tryIntake", { ids: { sourceId: id }, apiKey: null });
  const headers = { "x-webhook-token": "a token of your own" };
  await tell("receiveDelivery", { ids: { sourceId: id }, body, headers, apiKey: null });
  await tell("changeSource", { ids: { id }, body: { mapping: { language: "/answer/language" } } });
  await tell("getSource", { ids: { id } });
  await tell("listSources");
  await tell("listSourceReceipts", { ids: { id } });
  await tell("replaySourceReceipts", { ids: { id }, query: { outcome: "RECORDED" } });
  await tell("deleteSource", { ids: { id } });
}

async function administrate(tell: Tell) {
  await tell("getWorkspace");
  await tell("changeWorkspace", { body: { timeZone: "Europe/Berlin", retention: { receiptDays: 30 } } });
  const { id } = await tell("createApiKey", { body: { name: "Web shop", scopes: ["responses:write"] } });
  await tell("rotateApiKey", { ids: { id } });
  await tell("revokeApiKey", { ids: { id } });
  await tell("listApiKeys", { query: { limit: "1" } });
  await tell("listAuditLog", { query: { subjectId: id, limit: "2" } });
}

/** One for each kind of thing that events are about. */
const SHOWN = new Set(["response.recorded", "case.opened", "improvement.shipped"]);

/** @returns what endpoints are sent, by its type */
async function watch(service: Service, tell: Tell, endpoint: string) {
  const ids = { id: endpoint };
  await relayAll(service);
  const { id } = await tell("testWebhookEndpoint", { ids });
  await tell("listWebhookDeliveries", { ids, query: { limit: "2" } });
  await tell("replayWebhookDelivery", { ids: { id } });
  await tell("replayWebhookEvents", { ids, body: { from: "2026-05-04T00:00:00Z", to: "2026-05-05T00:00:00Z" } });
  await tell("getWebhookEndpoint", { ids });
  await tell("listWebhookEndpoints");
  await tell("rotateWebhookSecret", { ids });
  await tell("changeWebhookEndpoint", { ids, body: { status: "PAUSED" } });
  await tell("listEvents", { query: { type: "case.opened", limit: "1" } });
  const { data } = await tell("listEvents", { query: { limit: "100" } });
  const sent = data
    .toReversed()
    .map(({ type, timestamp, data: about }: any) => [type, { type, timestamp, data: about }]);
  return Object.fromEntries(sent.filter(([type]: [string]) => SHOWN.has(type)));
}

async function readLists(tell: Tell) {
  for (const list of ["listSurveys", "listThemes", "listRootCauses", "listImprovements"]) await tell(list);
}

async function leave(service: Service, tell: Tell, endpoint: string) {
  const { data } = await tell("listPeople", { query: { email: "kim@acme.example" } });
  const ids = { id: data[0].id };
  await tell("exportPerson", { ids });
  const { erasureId } = await tell("erasePerson", { ids });
  for (const erasure of await findRunningErasures(service.tenancy)) await eraseCopies(service.tenancy, erasure);
  await tell("getErasure", { ids: { id: erasureId } });
  await tell("deleteWebhookEndpoint", { ids: { id: endpoint } });
}

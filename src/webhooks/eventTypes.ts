/** What an event is about: the field of its `data` that holds the resource, and the resource's component. */
const SUBJECTS = {
  response: "Response",
  case: "Case",
  improvement: "Improvement",
  endpoint: "WebhookEndpoint",
  person: {
    type: "object",
    properties: { id: { type: "string", format: "uuid", description: "The id that it had" } },
    required: ["id"],
  },
  change: "NpsShift",
} as const;

interface Described {
  subject: keyof typeof SUBJECTS;
  summary: string;
  /** Whether `previous` tells what the changed fields were before: always, or where something was. */
  previous?: "ALWAYS" | "SOMETIMES";
  /** What the body has besides. */
  also?: Record<string, object>;
}

/** Every event that others can be told of. */
const EVENTS = {
  "response.recorded": { subject: "response", summary: "An answer was recorded" },
  "response.updated": { subject: "response", summary: "An answer was changed", previous: "ALWAYS" },
  "response.excluded": {
    subject: "response",
    summary: "An answer was taken out of every aggregate",
    previous: "ALWAYS",
  },
  "response.included": { subject: "response", summary: "An excluded answer counts again", previous: "ALWAYS" },
  "response.acknowledged": {
    subject: "response",
    summary: "The customer was thanked for an answer",
    previous: "ALWAYS",
  },
  "case.opened": { subject: "case", summary: "Somebody is to be contacted", previous: "SOMETIMES" },
  "case.assigned": { subject: "case", summary: "Somebody else is accountable, or nobody", previous: "ALWAYS" },
  "case.contacted": { subject: "case", summary: "Somebody reached out", previous: "ALWAYS" },
  "case.first_contact_due_soon": {
    subject: "case",
    summary: "Much of the time for the first contact has passed: the policy says how much",
    previous: "ALWAYS",
  },
  "case.first_contact_missed": {
    subject: "case",
    summary: "The time for the first contact has passed",
    previous: "ALWAYS",
  },
  "case.escalated": { subject: "case", summary: "It passed long ago: the policy says how long", previous: "ALWAYS" },
  "case.parked": { subject: "case", summary: "It waits for an improvement", previous: "ALWAYS" },
  "case.resolved": { subject: "case", summary: "Something was done about it", previous: "ALWAYS" },
  "case.verified": { subject: "case", summary: "The customer said whether it helped", previous: "ALWAYS" },
  "case.closed": { subject: "case", summary: "It ended", previous: "ALWAYS" },
  "case.reopened": { subject: "case", summary: "It is worked again", previous: "ALWAYS" },
  "commitment.due": {
    subject: "case",
    summary: "What was promised to a customer is due",
    also: { commitmentId: { type: "string", format: "uuid", description: "Which of the case's commitments" } },
  },
  "improvement.status_changed": { subject: "improvement", summary: "An improvement moved", previous: "ALWAYS" },
  "improvement.shipped": {
    subject: "improvement",
    summary: "An improvement is there: its audience is to be told",
    previous: "ALWAYS",
  },
  "nps.shifted": { subject: "change", summary: "A score changed more than chance explains" },
  "person.erased": { subject: "person", summary: "A person was erased, here; erase what you have of them" },
  "endpoint.disabled": {
    subject: "endpoint",
    summary: "A webhook endpoint gets nothing any more; it is not told so itself",
    previous: "ALWAYS",
  },
} as const satisfies Record<string, Described>;

export type EventType = keyof typeof EVENTS;
export const EVENT_TYPES = Object.keys(EVENTS) as EventType[];

/** Sent to one endpoint because somebody asked for it: no event, and in no feed. */
export const TEST_TYPE = "endpoint.test";
const TEST: Described = { subject: "endpoint", summary: "Sent to try the endpoint; nothing happened" };

const HEADERS = {
  "webhook-id": "The event's id: the same for every attempt and replay, so that it can be done once",
  "webhook-timestamp": "When this attempt was signed, in Unix seconds",
  "webhook-signature": "`v1,` and base64, one for each secret that holds, by a space: see Standard Webhooks 1.0",
};

const ERASED =
  "Of what is about a person who was erased, only `sequence`, `erased: true` and the `id` of the answer or case is sent after it.";

/** What each event's request looks like, as the `webhooks` of an OpenAPI document. */
export function describeEvents(): Record<string, object> {
  const parameters = Object.entries(HEADERS).map(([name, description]) => ({
    in: "header",
    name,
    required: true,
    description,
    schema: { type: "string" },
  }));
  return Object.fromEntries(
    Object.entries<Described>({ ...EVENTS, [TEST_TYPE]: TEST }).map(([type, event]) => [
      type,
      {
        post: {
          operationId: `on${type.replaceAll(/(?:^|[._])(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
          summary: event.summary,
          description: canBeErased(event) ? ERASED : event.summary,
          tags: ["Webhooks"],
          security: [],
          parameters,
          requestBody: { required: true, content: { "application/json": { schema: bodyOf(type, event) } } },
          responses: { "2XX": { description: "Received; every other answer, also a redirect, is asked again later" } },
        },
      },
    ]),
  );
}

/** Whether it is about a person. */
function canBeErased({ subject }: Described): boolean {
  return subject === "response" || subject === "case";
}

function bodyOf(type: string, event: Described): object {
  const { subject, previous, also = {} } = event;
  const known = SUBJECTS[subject];
  const resource = typeof known === "string" ? { $ref: `#/components/schemas/${known}` } : known;
  const sequence = {
    type: "integer",
    description: `Grows with every change of this ${subject}: the order of its events`,
  };
  const data = {
    sequence,
    [subject]: resource,
    ...also,
    ...(previous === undefined
      ? {}
      : { previous: { type: "object", description: "What the changed fields were before" } }),
  };
  const required = Object.keys(data).filter((name) => name !== "previous" || previous === "ALWAYS");
  const full = object(data, required);
  const id = { type: "string", format: "uuid", description: "Its id" };
  const erased = { type: "boolean", const: true, description: "Its person was erased" };
  const left = object({ sequence, erased, [subject]: object({ id }) });
  return object({
    type: { type: "string", const: type },
    timestamp: { type: "string", format: "date-time", description: "When it happened" },
    data: canBeErased(event) ? { anyOf: [full, left] } : full,
  });
}

/** Open, as whatever we answer and send: fields are added in time. */
function object(properties: Record<string, object>, required = Object.keys(properties)): object {
  return { type: "object", properties, required };
}

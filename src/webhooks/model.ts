import { type Static, type TProperties, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, nullableRef, OneOf, ref, Strict, Text } from "../platform/schema.ts";
import { CASE_PRIORITIES } from "../responses/index.ts";
import { CATEGORIES } from "../scoring/index.ts";
import { EVENT_TYPES, TEST_TYPE } from "./eventTypes.ts";

/** PAUSED: what is to be sent waits. DISABLED: nothing is sent, nor kept to be sent. */
export const ENDPOINT_STATUSES = ["ACTIVE", "PAUSED", "DISABLED"] as const;
export const DELIVERY_STATUSES = ["PENDING", "DELIVERED", "FAILED"] as const;

const TERM_VALUES_MAX = 100;
const anyOf = <S extends TProperties[string]>(item: S, description: string) =>
  Type.Array(item, { minItems: 1, maxItems: TERM_VALUES_MAX, description });

const terms = {
  surveyKeys: anyOf(Text(), "Of the answer; of a case, of any of its answers"),
  segments: anyOf(Text(), "Of the response's account when it was answered; of the case's account today"),
  categories: anyOf(OneOf(CATEGORIES), "Of the answer; of a case, of any of its answers"),
  dangerZone: Type.Boolean({ description: "The answer's; of a case, whether any of its answers is in it" }),
  priorities: anyOf(OneOf(CASE_PRIORITIES), "Of the case"),
  assignees: anyOf(Text(), "Of the case"),
};
export const EndpointFilterSchema = Strict(
  {
    surveyKeys: Type.Optional(terms.surveyKeys),
    segments: Type.Optional(terms.segments),
    categories: Type.Optional(terms.categories),
    dangerZone: Type.Optional(terms.dangerZone),
    priorities: Type.Optional(terms.priorities),
    assignees: Type.Optional(terms.assignees),
  },
  {
    $id: "WebhookFilter",
    description:
      "Which events of its types an endpoint takes: all given terms must hold, a list means any of its values. A term about something that an event does not have, like the assignee of a response, does not hold: such events are not sent",
  },
);
export type EndpointFilter = Static<typeof EndpointFilterSchema>;

const FilterPatchSchema = Strict(
  {
    surveyKeys: Type.Optional(Nullable(terms.surveyKeys)),
    segments: Type.Optional(Nullable(terms.segments)),
    categories: Type.Optional(Nullable(terms.categories)),
    dangerZone: Type.Optional(Nullable(terms.dangerZone)),
    priorities: Type.Optional(Nullable(terms.priorities)),
    assignees: Type.Optional(Nullable(terms.assignees)),
  },
  { description: "Which events of its types it takes; null for all, and of a term to drop it" },
);

const fields = {
  url: Type.String({
    format: "url",
    maxLength: 255,
    description: "Where events are sent, by https; private networks are refused unless the operator allows them",
  }),
  eventTypes: Type.Array(OneOf(EVENT_TYPES), {
    minItems: 1,
    maxItems: EVENT_TYPES.length,
    description: "What it is told about",
  }),
  description: Nullable(Text({ description: "For people to read" })),
};

export const EndpointInputSchema = Strict(
  {
    url: fields.url,
    eventTypes: fields.eventTypes,
    filter: Type.Optional(nullableRef(EndpointFilterSchema)),
    description: Type.Optional(fields.description),
  },
  { $id: "WebhookEndpointInput", description: "Where events are to be sent" },
);
export type EndpointInput = Static<typeof EndpointInputSchema>;

export const EndpointPatchSchema = Strict(
  {
    url: Type.Optional(fields.url),
    eventTypes: Type.Optional(fields.eventTypes),
    filter: Type.Optional(Nullable(FilterPatchSchema)),
    description: Type.Optional(fields.description),
    status: Type.Optional(
      OneOf(ENDPOINT_STATUSES, {
        description:
          "PAUSED: what is to be sent waits until it is ACTIVE again. DISABLED: what waits is given up, and nothing new is sent",
      }),
    ),
  },
  {
    $id: "WebhookEndpointPatch",
    description: "What is given is set, null clears, what is absent stays as it is",
    absent: { pattern: "^secret$", reason: "POST …/secret-rotation makes a new one" },
  },
);
export type EndpointPatch = Static<typeof EndpointPatchSchema>;

const endpointFields = {
  id: Id("Its id"),
  version: Type.Integer({ description: "Counts the changes" }),
  url: Type.String({ description: "Where events are sent" }),
  description: Nullable(Type.String({ description: "For people to read" })),
  eventTypes: Type.Array(OneOf(EVENT_TYPES), { description: "What it is told about" }),
  filter: ref(EndpointFilterSchema),
  status: OneOf(ENDPOINT_STATUSES, {
    description: "PAUSED: what is to be sent waits; DISABLED: nothing is sent, nor kept to be",
  }),
  disabledReason: Nullable(Type.String({ description: "Why it is DISABLED" })),
  failingSince: Nullable(DateTime("The first failure after the last success; null while it works")),
  previousSecretUntil: Nullable(DateTime("Until when the secret before signs too")),
  createdAt: DateTime("When it was made"),
  updatedAt: DateTime("When it last changed"),
};
export const EndpointSchema = Strict(endpointFields, { $id: "WebhookEndpoint", description: "Where events are sent" });
export type Endpoint = Static<typeof EndpointSchema>;

export const CreatedEndpointSchema = Strict(
  { ...endpointFields, secret: Type.String({ description: "`whsec_` and base64; shown this once" }) },
  { $id: "CreatedWebhookEndpoint", description: "Where events are sent, with the secret that signs them" },
);

const AttemptSchema = Strict({
  attemptedAt: DateTime("When it was tried"),
  durationMs: Type.Integer({ description: "How long it took, in milliseconds" }),
  status: Nullable(Type.Integer({ description: "The HTTP status of the answer; null where none came" })),
  error: Nullable(Type.String({ description: "Why none came, or why it does not count" })),
  answer: Nullable(Type.String({ description: "Its first 4 kB; bytes that are no UTF-8 are replaced" })),
});

export const DeliverySchema = Strict(
  {
    id: Id("Its id"),
    endpointId: Id("To which endpoint"),
    eventId: Id("The `webhook-id`: the same for every attempt and replay"),
    eventType: OneOf([...EVENT_TYPES, TEST_TYPE], { description: "What it tells" }),
    test: Type.Boolean({ description: "Of no event, sent to try the endpoint" }),
    status: OneOf(DELIVERY_STATUSES, { description: "PENDING: it is tried, or will be; FAILED: given up" }),
    attempts: Type.Array(AttemptSchema, { description: "What was tried, oldest first" }),
    nextAttemptAt: Nullable(DateTime("About when it is tried next; null when it is not, or while it is paused")),
    createdAt: DateTime("When it was made"),
    finishedAt: Nullable(DateTime("When it was delivered or given up")),
  },
  { $id: "WebhookDelivery", description: "An event for an endpoint, and what became of it" },
);
export type Delivery = Static<typeof DeliverySchema>;
export type Attempt = Delivery["attempts"][number];

export const EventReplayInputSchema = Strict(
  { from: DateTime("Events of this time or later"), to: DateTime("Events before this time") },
  { $id: "EventReplayInput", description: "Which events are to be sent once more" },
);
export const EventReplaySchema = Strict(
  { count: Type.Integer({ description: "How many events are sent" }) },
  { $id: "EventReplay", description: "What is sent once more" },
);

export const EventSchema = Strict(
  {
    id: Id("The `webhook-id` of its deliveries"),
    type: OneOf(EVENT_TYPES, { description: "What happened" }),
    timestamp: DateTime("When it happened"),
    data: Type.Record(Type.String(), Type.Unknown(), {
      description: "What is described under `webhooks` for its type",
    }),
  },
  { $id: "Event", description: "Something that happened" },
);
export type ShownEvent = Static<typeof EventSchema>;
export const EventPageSchema = Strict(
  {
    data: Type.Array(ref(EventSchema), { description: "Events, oldest first" }),
    nextCursor: Type.String({ description: "Where to go on, now or later: always given, also when nothing came" }),
    hasMore: Type.Boolean({
      description: "Whether to go on at once. Asked for rare types, a page may be empty although there is more",
    }),
  },
  { $id: "EventPage", description: "Events in the order of the feed" },
);

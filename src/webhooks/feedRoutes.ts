import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, encodeCursor, LIMIT_DEFAULT, NO_ID, PageQuery } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, OneOf, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { EVENT_TYPES } from "./eventTypes.ts";
import { type FeedRow, findBounds, listEvents } from "./feedQueries.ts";
import { EVENTS_KEPT_DAYS } from "./forgetting.ts";
import { EventPageSchema, EventSchema, type ShownEvent } from "./model.ts";

const ORDER = "FEED";
/** Events of one call that asks for some types: some 100 ms' work. */
const LOOKED_AT_MAX = 100_000;

/** The feed of events, for those who ask. */
export function registerFeedRoute(app: Server, tenancy: Tenancy): void {
  for (const schema of [EventSchema, EventPageSchema]) app.addSchema(schema);

  app.get(
    "/v1/events",
    {
      config: { scope: "webhooks:manage" },
      schema: {
        operationId: "listEvents",
        summary: "Read what happened, as a feed",
        description: `The events that endpoints are sent, for those who would rather ask, kept ${EVENTS_KEPT_DAYS} days. Begin without a cursor, at the oldest that is kept, and go on with \`nextCursor\`, which is always there: at the end, where \`hasMore\` is false, it is where to ask again later. An event comes into the feed moments after it is committed, and behind all that were read before: whoever goes on from a cursor misses none, however long its transaction took.`,
        tags: ["Webhooks"],
        querystring: Strict({
          type: AnyOf(OneOf(EVENT_TYPES, { description: "Only events of this type" })),
          ...PageQuery,
        }),
        response: { 200: { description: "Events, oldest first", ...ref(EventPageSchema) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, type: types } = request.query;
      const after = Number(decodeCursor(cursor, ORDER, "cursor", "place")?.value ?? 0);
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const { first, last } = await findBounds(tx, after);
        // Types that are rare are looked for a bit at a time.
        const upTo = types === undefined ? last : Math.min(last, first + LOOKED_AT_MAX);
        const rows = await listEvents(tx, { after, upTo, types, limit });
        // Where the page has room, everything up to there was looked at.
        const next = rows.length === limit ? (rows.at(-1)?.position ?? after) : Math.max(after, upTo);
        return {
          data: rows.map(showEvent),
          nextCursor: encodeCursor({ order: ORDER, value: String(next), id: NO_ID }),
          hasMore: next < last,
        };
      });
    },
  );
}

function showEvent({ id, type, occurredAt, data }: FeedRow): ShownEvent {
  return { id, type, timestamp: occurredAt.toISOString(), data };
}

import { Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { allowNoBody, NoFields } from "../platform/noBody.ts";
import { decodeCursor, encodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, Id, OneOf, ref, Strict, Text } from "../platform/schema.ts";
import { FOLLOW_UPS } from "../responses/index.ts";
import { RECEIPT_OUTCOMES, type Receipt, ReceiptSchema, ReplayResultSchema } from "./model.ts";
import { findSource, listReceipts } from "./queries.ts";
import type { Intake } from "./receiving.ts";
import { replay } from "./replaying.ts";
import { requireSource } from "./service.ts";
import type { ReceiptRow } from "./table.ts";

const ReceiptPageSchema = PageOf(ref(ReceiptSchema), "SourceReceiptPage");
const IdParams = Strict({ id: Id("The source's id") });
const REPLAY_MAX = 1_000;
const OutcomeQuery = AnyOf(OneOf(RECEIPT_OUTCOMES, { description: "Of which this became" }));

/** What sources have sent, and reading it again. */
export function registerReceiptRoutes(app: Server, intake: Intake): void {
  const { tenancy } = intake;
  for (const schema of [ReceiptSchema, ReceiptPageSchema, ReplayResultSchema]) app.addSchema(schema);

  app.get(
    "/v1/sources/:id/receipts",
    {
      config: { scope: "sources:manage" },
      schema: {
        operationId: "listSourceReceipts",
        summary: "List what came in, what became of it and why, newest first",
        description:
          "Each delivery as it came and what it became, for as long as the workspace keeps receipts: where to look when an answer is missing.",
        tags: ["Sources"],
        params: IdParams,
        querystring: Strict({ outcome: OutcomeQuery, ...PageQuery }),
        response: { 200: { description: "A page of receipts", ...ref(ReceiptPageSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, outcome: outcomes } = request.query;
      const after = decodeCursor(cursor, "NEWEST", "cursor", "id")?.id;
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const { id } = request.params;
        requireSource(await findSource(tx, id));
        const rows = await listReceipts(tx, id, { outcomes, after, limit });
        const page = toPage(rows, limit, (row) => ({ order: "NEWEST", value: row.id, id: row.id }));
        return { ...page, data: page.data.map(toReceipt) };
      });
    },
  );

  app.post(
    "/v1/sources/:id/receipts/replay",
    {
      config: { scope: "sources:manage" },
      preValidation: allowNoBody,
      schema: {
        operationId: "replaySourceReceipts",
        summary: "Read receipts again by the mapping of today, oldest first",
        description:
          "For a mapping that was mended. Up to 1,000 at a time: go on with `nextCursor`. An event older than what is stored changes nothing; the same again does nothing.",
        tags: ["Sources"],
        params: IdParams,
        querystring: Strict({
          outcome: OutcomeQuery,
          followUp: Type.Optional(OneOf(FOLLOW_UPS, { description: "NONE: history that opens no case" })),
          events: Type.Optional(Type.Boolean({ description: "false: no event is written about these answers" })),
          limit: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: REPLAY_MAX,
              default: REPLAY_MAX,
              description: "How many receipts at the most",
            }),
          ),
          cursor: Type.Optional(Text({ maxLength: 1000, description: "`nextCursor` of the call before" })),
        }),
        body: NoFields,
        response: {
          200: { description: "What became of them", ...ref(ReplayResultSchema) },
          ...problems(400, 404, 413, 415),
        },
      },
    },
    async (request) => {
      const { limit = REPLAY_MAX, cursor, outcome: outcomes, followUp = "OPEN", events = true } = request.query;
      const after = decodeCursor(cursor, "OLDEST", "cursor", "id")?.id;
      const { last, ...result } = await replay(intake, callerOf(request), request.params.id, {
        limit,
        after,
        outcomes,
        options: { followUp, events },
        log: request.log,
      });
      const nextCursor = last === null ? null : encodeCursor({ order: "OLDEST", value: last, id: last });
      return { ...result, nextCursor };
    },
  );
}

function toReceipt(row: ReceiptRow): Receipt {
  const { id, outcome, reason, externalId, responseId, headers, body } = row;
  return {
    id,
    receivedAt: row.receivedAt.toISOString(),
    processedAt: row.processedAt.toISOString(),
    outcome,
    reason,
    externalId,
    responseId,
    headers,
    body: body.toString("utf8"),
  };
}

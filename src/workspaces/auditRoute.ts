import { Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, DateTime, ref, Strict, Text, toBound } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { listAudit } from "./auditQueries.ts";
import { AuditEntrySchema, type ShownAuditEntry } from "./model.ts";
import type { AuditRow } from "./table.ts";

const AuditPage = PageOf(ref(AuditEntrySchema), "AuditEntryPage");
const ORDER = "NEWEST";

const AuditQuery = Strict({
  subjectType: AnyOf(Text({ description: "Like `case` or `api_key`" })),
  subjectId: AnyOf(Text({ description: "The id of what was changed" })),
  action: AnyOf(Text({ description: "Like `case.opened`" })),
  actorId: AnyOf(Text({ description: "The id of a key, or `sub` of a user" })),
  from: Type.Optional(DateTime("From this time on")),
  to: Type.Optional(DateTime("Before this time")),
  ...PageQuery,
});

/** Who changed what in the workspace. */
export function registerAuditRoute(app: Server, tenancy: Tenancy): void {
  for (const schema of [AuditEntrySchema, AuditPage]) app.addSchema(schema);

  app.get(
    "/v1/audit-log",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "listAuditLog",
        summary: "List who changed what, newest first",
        description:
          "Each change by a person, a key or a job, without personal data. Filters that are given must all hold; it can neither be changed nor deleted.",
        tags: ["Workspace"],
        querystring: AuditQuery,
        response: { 200: { description: "A page of changes", ...ref(AuditPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, from, to, ...filter } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor");
      const bounds = {
        from: from === undefined ? undefined : toBound(from),
        to: to === undefined ? undefined : toBound(to),
      };
      const rows = await tenancy.readWorkspace(callerOf(request), (tx) =>
        listAudit(tx, { ...filter, ...bounds, after, limit }),
      );
      const page = toPage(rows, limit, ({ occurredAt, id }) => ({ order: ORDER, value: occurredAt.toISOString(), id }));
      return { ...page, data: page.data.map(showEntry) };
    },
  );
}

function showEntry(row: AuditRow): ShownAuditEntry {
  const { id, occurredAt, actorKind, actorId, action, subjectType, subjectId, before, after, requestId } = row;
  return {
    id,
    occurredAt: occurredAt.toISOString(),
    actor: { kind: actorKind, id: actorId },
    action,
    subject: { type: subjectType, id: subjectId },
    before,
    after,
    requestId,
  };
}

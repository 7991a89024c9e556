import { and, eq, gte, isNull, lt, lte, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { cases, LIVE_STATUSES } from "../cases/index.ts";
import { accounts, listAccounts, type StoredAccount } from "../people/index.ts";
import type { Cursor } from "../platform/pagination.ts";
import { anyOf, holds, oneOf } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { responses } from "../responses/index.ts";
import { DANGER_ZONE_MAX } from "../scoring/index.ts";

/** Which accounts: all given terms must hold, and a list means any of its values. */
export interface AccountFilter {
  segments?: readonly string[];
  owners?: readonly string[];
  minAnnualValue?: number;
  renewsBefore?: string;
  hasOpenCase?: boolean;
  /** Somebody of it gave 0 to 3 in their latest answer. */
  dangerZone?: boolean;
  /** Nobody of it has answered at or after this time. */
  lastRespondedBefore?: Date;
}

export const ACCOUNT_ORDERS = ["ANNUAL_VALUE", "RENEWS_ON", "NAME"] as const;
export type AccountOrder = (typeof ACCOUNT_ORDERS)[number];

/** What an account is sorted by, as text for the cursor; what is not known comes last. */
const ORDERS: Record<
  AccountOrder,
  { value: SQL; type: string; descending: boolean; cursor: "number" | "date" | "text" }
> = {
  ANNUAL_VALUE: {
    value: sql`coalesce(${accounts.annualValue}, -1)`,
    type: "double precision",
    descending: true,
    cursor: "number",
  },
  RENEWS_ON: {
    value: sql`coalesce(${accounts.renewsOn}, 'infinity'::date)`,
    type: "date",
    descending: false,
    cursor: "date",
  },
  NAME: {
    value: sql`coalesce(${accounts.name}, ${accounts.externalId}) collate "C"`,
    type: "text",
    descending: false,
    cursor: "text",
  },
};

export function cursorValuesOf(order: AccountOrder) {
  return ORDERS[order].cursor;
}

/** One row more than `limit` where there are more, each with its sort value for the cursor. */
export async function listAccountsBy(
  tx: WorkspaceTx,
  filter: AccountFilter,
  order: AccountOrder,
  { limit, after }: { limit: number; after?: Cursor | undefined },
): Promise<{ node: StoredAccount; sortValue: string }[]> {
  const { value, type, descending } = ORDERS[order];
  const [direction, comparison] = descending ? [sql.raw("desc"), sql.raw("<")] : [sql.raw("asc"), sql.raw(">")];
  const beyond =
    after && sql`(${value}, ${accounts.id}) ${comparison} (${after.value}::${sql.raw(type)}, ${after.id}::uuid)`;
  const rows = await tx.db
    .select({ id: accounts.id, sortValue: sql<string>`(${value})::text` })
    .from(accounts)
    .where(and(whereAccounts(tx, filter), beyond))
    .orderBy(sql`${value} ${direction}`, sql`${accounts.id} ${direction}`)
    .limit(limit + 1);
  const found = await listAccounts(
    tx,
    rows.map(({ id }) => id),
  );
  const byId = new Map(found.map((account) => [account.id, account]));
  return rows.flatMap(({ id, sortValue }) => {
    const node = byId.get(id);
    return node === undefined ? [] : [{ node, sortValue }];
  });
}

export async function countAccounts(tx: WorkspaceTx, filter: AccountFilter): Promise<number> {
  return tx.db.$count(accounts, whereAccounts(tx, filter));
}

function whereAccounts(tx: WorkspaceTx, filter: AccountFilter): SQL | undefined {
  return and(
    eq(accounts.workspaceId, tx.workspaceId),
    oneOf(accounts.segment, filter.segments),
    oneOf(accounts.owner, filter.owners),
    filter.minAnnualValue === undefined ? undefined : gte(accounts.annualValue, filter.minAnnualValue),
    filter.renewsBefore === undefined ? undefined : lt(accounts.renewsOn, filter.renewsBefore),
    holds(hasOpenCase(tx), filter.hasOpenCase),
    holds(isInDangerZone(tx), filter.dangerZone),
    filter.lastRespondedBefore && sql`not ${hasAnsweredSince(tx, filter.lastRespondedBefore)}`,
  );
}

function hasOpenCase(tx: WorkspaceTx): SQL {
  const open = tx.db
    .select({ one: sql`1` })
    .from(cases)
    .where(
      and(
        eq(cases.workspaceId, tx.workspaceId),
        eq(cases.accountId, accounts.id),
        sql`${cases.status} = ${anyOf("text", LIVE_STATUSES)}`,
      ),
    );
  return sql`exists ${open}`;
}

const later = alias(responses, "later");

function isInDangerZone(tx: WorkspaceTx): SQL {
  const laterAnswer = tx.db
    .select({ one: sql`1` })
    .from(later)
    .where(
      and(
        eq(later.workspaceId, tx.workspaceId),
        eq(later.personId, responses.personId),
        isNull(later.exclusionReason),
        sql`(${later.respondedAt}, ${later.id}) > (${responses.respondedAt}, ${responses.id})`,
      ),
    );
  return hasAnswer(tx, and(lte(responses.score, DANGER_ZONE_MAX), sql`not exists ${laterAnswer}`));
}

function hasAnsweredSince(tx: WorkspaceTx, time: Date): SQL {
  return hasAnswer(tx, gte(responses.respondedAt, time));
}

/** Whether the account has an answer like this, excluded ones left out. */
function hasAnswer(tx: WorkspaceTx, condition: SQL | undefined): SQL {
  const answers = tx.db
    .select({ one: sql`1` })
    .from(responses)
    .where(
      and(
        eq(responses.workspaceId, tx.workspaceId),
        eq(responses.accountId, accounts.id),
        isNull(responses.exclusionReason),
        condition,
      ),
    );
  return sql`exists ${answers}`;
}

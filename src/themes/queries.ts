import { and, asc, eq, gt, inArray, isNotNull, lt, notInArray, sql } from "drizzle-orm";
import { anyOf, newRows } from "../platform/sql.ts";
import { statement } from "../platform/statement.ts";
import type { SystemTx, WorkspaceTx } from "../platform/tenancy.ts";
import { responses } from "../responses/index.ts";
import type { Theme } from "./model.ts";
import { responseThemes, themes } from "./table.ts";

const isApplied = sql<boolean>`${themes.appliedVersion} = ${themes.version}`;
const theme = { key: themes.key, label: themes.label, phrases: themes.phrases, isApplied };
/** The same order on every server, whatever its language. */
const byKey = sql`${themes.key} collate "C"`;

/** In the order of their keys, from after `after`; one row more than `limit` where there are more. */
export async function listThemesPage(tx: WorkspaceTx, limit: number, after: string | undefined): Promise<Theme[]> {
  return tx.db
    .select(theme)
    .from(themes)
    .where(and(eq(themes.workspaceId, tx.workspaceId), after === undefined ? undefined : sql`${byKey} > ${after}`))
    .orderBy(byKey)
    .limit(limit + 1);
}

/** What comments are looked at by: a workspace has few. */
export async function listRules(tx: WorkspaceTx): Promise<Pick<Theme, "key" | "phrases">[]> {
  return tx.prepared(
    statement`/* themes.listRules */ select key, phrases from themes where workspace_id = ${tx.workspaceId}`,
  );
}

export async function listThemes(tx: WorkspaceTx, keys: readonly string[]): Promise<Theme[]> {
  return tx.db
    .select(theme)
    .from(themes)
    .where(and(eq(themes.workspaceId, tx.workspaceId), sql`${themes.key} = ${anyOf("text", keys)}`));
}

/** Locked against whoever applies it, and other changes, until the transaction ends; undefined where there is none. */
export async function lockTheme(tx: WorkspaceTx, key: string): Promise<Theme | undefined> {
  const [found] = await tx.db
    .select(theme)
    .from(themes)
    .where(and(eq(themes.workspaceId, tx.workspaceId), eq(themes.key, key)))
    .for("no key update");
  return found;
}

/** Writes the rule; what it says of older comments is then to be found out again, from the first on. */
export async function upsertTheme(
  tx: WorkspaceTx,
  { key, label, phrases }: Omit<Theme, "isApplied">,
  isNewRule: boolean,
): Promise<void> {
  await tx.run(sql`/* themes.upsertTheme */
    insert into themes (workspace_id, key, label, phrases, created_at, updated_at)
    values (${tx.workspaceId}, ${key}, ${label}, ${sql.param(phrases)}::text[], ${tx.now}, ${tx.now})
    on conflict (workspace_id, key) do update set label = excluded.label, phrases = excluded.phrases,
      version = themes.version + ${isNewRule ? 1 : 0}, applied_to = case when ${isNewRule} then null else themes.applied_to end,
      updated_at = excluded.updated_at`);
}

/** What each of these responses speaks of, and no more, from now on. */
export async function setThemes(
  tx: WorkspaceTx,
  responseIds: readonly string[],
  found: readonly { responseId: string; themeKey: string }[],
  keys?: readonly string[],
): Promise<void> {
  await tx.db
    .delete(responseThemes)
    .where(
      and(
        eq(responseThemes.workspaceId, tx.workspaceId),
        sql`${responseThemes.responseId} = ${anyOf("uuid", responseIds)}`,
        keys && inArray(responseThemes.themeKey, [...keys]),
      ),
    );
  insertThemes(tx, found);
}

/** Says what responses speak of, with the next flush. */
export function insertThemes(tx: WorkspaceTx, found: readonly { responseId: string; themeKey: string }[]): void {
  if (found.length === 0) return;
  tx.later(statement`/* themes.insertResponseThemes */
    insert into response_themes (workspace_id, response_id, theme_key)
    select workspace_id, response_id, theme_key from ${newRows(tx.workspaceId, {
      response_id: ["uuid", found.map(({ responseId }) => responseId)],
      theme_key: ["text", found.map(({ themeKey }) => themeKey)],
    })} order by response_id, theme_key on conflict do nothing`);
}

/**
 * The themes of all workspaces whose rule has changed since all comments were looked at.
 * @param except workspaces that are left out
 */
export async function listThemesToApply(tx: SystemTx, limit: number, except: string[]) {
  return tx.db
    .select({ workspaceId: themes.workspaceId, key: themes.key })
    .from(themes)
    .where(and(lt(themes.appliedVersion, themes.version), notInArray(themes.workspaceId, except)))
    .orderBy(asc(themes.updatedAt))
    .limit(limit);
}

/** The theme, locked against other workers until the transaction ends; undefined where one has it or it is done. */
export async function claimTheme(tx: WorkspaceTx, key: string) {
  const rows = await tx.db
    .select({ phrases: themes.phrases, version: themes.version, appliedTo: themes.appliedTo })
    .from(themes)
    .where(and(eq(themes.workspaceId, tx.workspaceId), eq(themes.key, key), lt(themes.appliedVersion, themes.version)))
    .for("update", { skipLocked: true });
  return rows[0];
}

/** The next comments to look at, in the order of their ids; locked, so that none is tagged by what it no longer says. */
export async function listComments(tx: WorkspaceTx, after: string | null, limit: number) {
  return tx.db
    .select({ id: responses.id, comment: responses.comment })
    .from(responses)
    .where(
      and(
        eq(responses.workspaceId, tx.workspaceId),
        isNotNull(responses.comment),
        after === null ? undefined : gt(responses.id, after),
      ),
    )
    .orderBy(asc(responses.id))
    .limit(limit)
    .for("no key update");
}

/** @param version with which all comments have been looked at, or null while there are more */
export async function markApplied(
  tx: WorkspaceTx,
  key: string,
  progress: { appliedTo: string | null; version: number | null },
): Promise<void> {
  const { appliedTo, version } = progress;
  await tx.db
    .update(themes)
    .set({ appliedTo, ...(version === null ? {} : { appliedVersion: version }) })
    .where(and(eq(themes.workspaceId, tx.workspaceId), eq(themes.key, key)));
}

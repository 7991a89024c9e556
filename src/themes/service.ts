import { invalidRequest } from "../platform/errors.ts";
import { Failures } from "../platform/failures.ts";
import type { Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import { awaitWriters, shareAsWriter } from "../platform/writers.ts";
import type { RecordedResponse, RecordingStep, ResponseChange } from "../responses/index.ts";
import { recordAudit } from "../workspaces/index.ts";
import { foldComment, foldWords, type Matches, matcherOf } from "./matching.ts";
import type { Theme, ThemeInput } from "./model.ts";
import {
  claimTheme,
  insertThemes,
  listComments,
  listRules,
  listThemes,
  listThemesPage,
  listThemesToApply,
  lockTheme,
  markApplied,
  setThemes,
  upsertTheme,
} from "./queries.ts";

/** More are no themes but an index of words. */
const THEMES_MAX = 200;
const COMMENTS_PER_BATCH = 1_000;
const BATCHES_MAX = 10_000;

/**
 * Makes a theme, or changes the one with this key. Comments that arrive from now on are looked at by it;
 * older ones in the background.
 * @throws {AppError} `invalid_request` for a phrase without a word
 */
export async function putTheme(
  tx: WorkspaceTx,
  key: string,
  { label, phrases }: ThemeInput,
): Promise<{ theme: Theme; isNew: boolean }> {
  const empty = phrases.flatMap((phrase, index) => (foldWords(phrase) === "" ? [`phrases.${index}`] : []));
  if (empty.length > 0) throw invalidRequest(empty.map((name) => ({ name, reason: "must have a word" })));
  const isRule = (theme: Theme | undefined) => JSON.stringify(theme?.phrases) === JSON.stringify(phrases);
  // Nobody is recording by the rules of before when the new ones are there, to be applied to what is recorded.
  if (!isRule(await lockTheme(tx, key))) await awaitWriters(tx);
  const all = new Map((await listThemesPage(tx, THEMES_MAX, undefined)).map((theme) => [theme.key, theme]));
  const before = all.get(key);
  if (before === undefined && all.size >= THEMES_MAX) {
    throw invalidRequest([{ name: "key", reason: `must not be one more: there are ${THEMES_MAX} themes` }]);
  }
  const isNewRule = !isRule(before);
  if (isNewRule || before?.label !== label) {
    await upsertTheme(tx, { key, label, phrases }, isNewRule);
    const entry = { action: "theme.put", subjectType: "theme", subjectId: key, after: { label, phrases } };
    await recordAudit(tx, [before === undefined ? entry : { ...entry, before }]);
  }
  const [theme] = await listThemes(tx, [key]);
  if (theme === undefined) throw new Error("a theme was not found again");
  return { theme, isNew: before === undefined };
}

/** Finds out what the comments of new answers speak of. */
export const tagRecorded: RecordingStep = async (tx, coming) => {
  const matchers = coming.some(({ comment }) => typeof comment === "string") ? await listMatchers(tx) : [];
  return async (recorded) => {
    insertThemes(
      tx,
      findThemes(
        matchers,
        recorded.map(({ response }) => response),
      ),
    );
    return undefined;
  };
};

/** The same for answers whose comment is another than before. */
export async function tagChanged(tx: WorkspaceTx, changes: readonly ResponseChange[]): Promise<void> {
  await tag(
    tx,
    changes.filter(({ before, after }) => before.comment !== after.comment).map(({ after }) => after),
  );
}

async function tag(tx: WorkspaceTx, responses: readonly Commented[]): Promise<void> {
  if (responses.length === 0) return;
  await shareAsWriter(tx);
  const matchers = await listMatchers(tx);
  if (matchers.length === 0) return;
  await setThemes(
    tx,
    responses.map(({ id }) => id),
    findThemes(matchers, responses),
  );
}

type Commented = Pick<RecordedResponse, "id" | "comment">;

interface Matcher {
  key: string;
  matches: Matches;
}

async function listMatchers(tx: WorkspaceTx): Promise<Matcher[]> {
  return (await listRules(tx)).map(({ key, phrases }) => ({ key, matches: matcherOf(phrases) }));
}

function findThemes(matchers: readonly Matcher[], responses: readonly Commented[]) {
  if (matchers.length === 0) return [];
  return responses.flatMap(({ id, comment }) => {
    if (comment === null) return [];
    const folded = foldComment(comment);
    return matchers.filter(({ matches }) => matches(folded)).map(({ key }) => ({ responseId: id, themeKey: key }));
  });
}

/**
 * Applies changed rules to the comments that are there, in batches that each go on where the last one
 * stopped, so that a worker that dies loses one at the most. What stands in the way in one workspace holds up no other.
 * @returns how many comments were looked at
 * @throws the first failure, once everything else is done
 */
export async function applyThemes(tenancy: Tenancy): Promise<number> {
  let count = 0;
  const failures = new Failures();
  for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
    const [next] = await tenancy.acrossWorkspaces("find what is due", (tx) => listThemesToApply(tx, 1, failures.keys));
    if (next === undefined) break;
    const caller = {
      workspaceId: next.workspaceId,
      actor: { kind: "job" as const, id: "themes" },
      requestId: null,
    };
    const turn = () => tenancy.inWorkspace(caller, (tx) => applyBatch(tx, next.key));
    const looked = await failures.keep(next.workspaceId, turn);
    // Another worker has it.
    if (looked === undefined && !failures.has(next.workspaceId)) break;
    count += looked ?? 0;
  }
  failures.end();
  return count;
}

async function applyBatch(tx: WorkspaceTx, key: string): Promise<number | undefined> {
  const theme = await claimTheme(tx, key);
  if (theme === undefined) return undefined;
  const comments = await listComments(tx, theme.appliedTo, COMMENTS_PER_BATCH);
  const matches = matcherOf(theme.phrases);
  const found = comments
    .filter(({ comment }) => comment !== null && matches(foldComment(comment)))
    .map(({ id }) => ({ responseId: id, themeKey: key }));
  await setThemes(
    tx,
    comments.map(({ id }) => id),
    found,
    [key],
  );
  const isDone = comments.length < COMMENTS_PER_BATCH;
  const appliedTo = isDone ? null : (comments.at(-1)?.id ?? null);
  await markApplied(tx, key, { appliedTo, version: isDone ? theme.version : null });
  return comments.length;
}

import { sql } from "drizzle-orm";
import {
  type AccountFilter,
  accounts,
  listAccounts,
  listPeople,
  type PeopleFilter,
  people,
  whereAccounts,
  wherePeople,
} from "../people/index.ts";
import { byId, inOrderOf } from "../platform/byId.ts";
import { pagesOfIds } from "../platform/pages.ts";
import { distinct } from "../platform/sql.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { together } from "../platform/together.ts";
import { listResponsesById, type ResponseFilter, responses, whereResponses } from "../responses/index.ts";
import { toAnswer } from "./answers.ts";

/** Answers as they can be imported again, in the order in which they were given. */
export async function* pagesOfAnswers(tx: WorkspaceTx, filter: ResponseFilter, size: number) {
  const all = sql`select id from responses where ${whereResponses(tx.workspaceId, filter)}
    order by ${responses.respondedAt}, ${responses.id}`;
  for await (const ids of pagesOfIds(tx, all, size)) {
    const page = inOrderOf(ids, await listResponsesById(tx, ids));
    const [known, belonging] = await together([
      listPeople(tx, distinct(page.map(({ person }) => person?.id))),
      listAccounts(tx, distinct(page.map(({ account }) => account?.id))),
    ]);
    const [personOf, accountOf] = [byId(known), byId(belonging)];
    yield page.map((response) =>
      toAnswer({
        response,
        person: personOf.get(response.person?.id ?? ""),
        account: accountOf.get(response.account?.id ?? ""),
      }),
    );
  }
}

/** People with the accounts they belong to, in the order in which we met them. */
export async function* pagesOfPeople(tx: WorkspaceTx, filter: PeopleFilter, size: number) {
  const all = sql`select id from people where ${wherePeople(tx, filter)} order by ${people.id}`;
  for await (const ids of pagesOfIds(tx, all, size)) {
    const stored = inOrderOf(ids, await listPeople(tx, ids));
    const belonging = await listAccounts(tx, distinct(stored.map(({ accountId }) => accountId)));
    const accountOf = byId(belonging);
    yield stored.map(({ accountId, ...person }) => ({ ...person, account: accountOf.get(accountId ?? "") ?? null }));
  }
}

/** Accounts in the order in which we met them. */
export async function* pagesOfAccounts(tx: WorkspaceTx, filter: AccountFilter, size: number) {
  const all = sql`select id from accounts where ${whereAccounts(tx, filter)} order by ${accounts.id}`;
  for await (const ids of pagesOfIds(tx, all, size)) yield inOrderOf(ids, await listAccounts(tx, ids));
}

import { Type } from "@sinclair/typebox";
import { callerOf } from "../platform/auth.ts";
import { AppError } from "../platform/errors.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { AnyOf, Id, ref, Strict, Text } from "../platform/schema.ts";
import type { Tenancy, WorkspaceTx } from "../platform/tenancy.ts";
import {
  AccountInputSchema,
  AccountSchema,
  normaliseIdentity,
  type Person,
  PersonSchema,
  PersonUpsertSchema,
} from "./model.ts";
import { listAccounts, listAccountsPage, listPeoplePage } from "./queries.ts";
import { readPerson, toPeople } from "./reading.ts";
import { type AccountSteps, putAccount, putPerson } from "./service.ts";

const IdParams = Strict({ id: Id("The person's or account's id") });
const PersonPage = PageOf(ref(PersonSchema), "PersonPage");
const AccountPage = PageOf(ref(AccountSchema), "AccountPage");
const ORDER = "NEWEST";
const createdCursor = ({ id, createdAt }: { id: string; createdAt: string }) => ({
  order: ORDER,
  value: createdAt,
  id,
});

export function registerPeopleRoutes(app: Server, tenancy: Tenancy, steps: AccountSteps): void {
  app.addSchema(PersonPage);
  app.addSchema(AccountPage);

  app.put(
    "/v1/people",
    {
      config: { scope: "people:write" },
      schema: {
        operationId: "putPerson",
        summary: "Make a person, or bring the one with this externalId up to date",
        description:
          "What is given is set, null clears, what is absent stays; `properties` merge by key. An e-mail address or telephone number belongs to one person: it moves to the one it is put on. The same again ends in the same, so it can be sent again blindly.",
        tags: ["People"],
        body: ref(PersonUpsertSchema),
        response: {
          200: { description: "As they are now", ...ref(PersonSchema) },
          201: { description: "Made", ...ref(PersonSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { person, isNew } = await tenancy.inWorkspace(callerOf(request), async (tx) => {
        const put = await putPerson(tx, request.body, steps);
        return { person: await getPerson(tx, put.id), isNew: put.isNew };
      });
      return reply.code(isNew ? 201 : 200).send(person);
    },
  );

  app.get(
    "/v1/people/:id",
    {
      config: { scope: "people:read" },
      schema: {
        operationId: "getPerson",
        summary: "Read one person",
        description: "With the account they belong to today. Their answers are `GET /v1/responses?personId=`.",
        tags: ["People"],
        params: IdParams,
        response: { 200: { description: "The person", ...ref(PersonSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), (tx) => getPerson(tx, request.params.id)),
  );

  app.get(
    "/v1/people",
    {
      config: { scope: "people:read" },
      schema: {
        operationId: "listPeople",
        summary: "List people, the newest first",
        description:
          "By `email` and `externalId` this is how a person of your systems is found. A page is read by its place in an index, so the thousandth costs what the first does.",
        tags: ["People"],
        querystring: Strict({
          email: AnyOf(Type.String({ format: "email", maxLength: 255, description: "In any case" })),
          externalId: AnyOf(Text({ description: "Your own id of it" })),
          ...PageQuery,
        }),
        response: { 200: { description: "A page of people", ...ref(PersonPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, externalId, email } = request.query;
      const known = { externalId, email: email?.map((address) => normaliseIdentity("email", address)) };
      const after = decodeCursor(cursor, ORDER, "cursor");
      return tenancy.readWorkspace(callerOf(request), async (tx) => {
        const people = await toPeople(tx, await listPeoplePage(tx, known, { limit, after }));
        return toPage(people, limit, createdCursor);
      });
    },
  );

  app.put(
    "/v1/accounts",
    {
      config: { scope: "people:write" },
      schema: {
        operationId: "putAccount",
        summary: "Make an account, or bring the one with this externalId up to date",
        description:
          "What is given is set, null clears, what is absent stays. Where its value or segment changes, its open cases are ranked anew. The same again ends in the same, so it can be sent again blindly.",
        tags: ["People"],
        body: ref(AccountInputSchema),
        response: {
          200: { description: "As it is now", ...ref(AccountSchema) },
          201: { description: "Made", ...ref(AccountSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { account, isNew } = await tenancy.inWorkspace(callerOf(request), async (tx) => {
        const put = await putAccount(tx, request.body, steps);
        return { account: await getAccount(tx, put.id), isNew: put.isNew };
      });
      return reply.code(isNew ? 201 : 200).send(account);
    },
  );

  app.get(
    "/v1/accounts/:id",
    {
      config: { scope: "people:read" },
      schema: {
        operationId: "getAccount",
        summary: "Read one account",
        description: "As it is today: a response keeps the segment that the account had when it was given.",
        tags: ["People"],
        params: IdParams,
        response: { 200: { description: "The account", ...ref(AccountSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => tenancy.readWorkspace(callerOf(request), (tx) => getAccount(tx, request.params.id)),
  );

  app.get(
    "/v1/accounts",
    {
      config: { scope: "people:read" },
      schema: {
        operationId: "listAccounts",
        summary: "List accounts, the newest first",
        description: "By `externalId` and `segment`, those made last first.",
        tags: ["People"],
        querystring: Strict({
          externalId: AnyOf(Text({ description: "Your own id of it" })),
          segment: AnyOf(Text({ description: "Of this segment" })),
          ...PageQuery,
        }),
        response: { 200: { description: "A page of accounts", ...ref(AccountPage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor, externalId: externalIds, segment: segments } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor");
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listAccountsPage(tx, { externalIds, segments }, { limit, after }), limit, createdCursor),
      );
    },
  );
}

async function getPerson(tx: WorkspaceTx, id: string): Promise<Person> {
  const person = await readPerson(tx, id);
  if (person === undefined) throw new AppError("not_found", "There is no person with this id.");
  return person;
}

async function getAccount(tx: WorkspaceTx, id: string) {
  const [account] = await listAccounts(tx, [id]);
  if (account === undefined) throw new AppError("not_found", "There is no account with this id.");
  return account;
}

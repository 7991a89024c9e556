import { callerOf } from "../platform/auth.ts";
import { AppError } from "../platform/errors.ts";
import type { Server } from "../platform/http.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { erasePerson } from "./erasing.ts";
import { exportPerson } from "./exporting.ts";
import { ErasureSchema, ErasureStartedSchema, PersonExportSchema } from "./model.ts";
import { findErasure } from "./queries.ts";

const IdParams = Strict({ id: Id("The person's or erasure's id") });

/** What people may ask: to be erased, and to be told everything that is held about them. */
export function registerPrivacyRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [ErasureSchema, ErasureStartedSchema, PersonExportSchema]) app.addSchema(schema);

  app.delete(
    "/v1/people/:id",
    {
      config: { scope: "privacy:manage" },
      schema: {
        operationId: "erasePerson",
        summary: "Erase a person: gone at once, and every copy within a minute",
        description:
          "Scores, times and what the answers were about stay, with nobody's name on them, so that no figure moves. Comments, properties, notes and tickets go. The same answer sent again, by whatever way, stays erased.",
        tags: ["Privacy"],
        params: IdParams,
        response: { 202: { description: "Erased", ...ref(ErasureStartedSchema) }, ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const erased = await tenancy.inWorkspace(callerOf(request), (tx) => erasePerson(tx, request.params.id));
      if (erased === undefined) throw noSuchPerson();
      return reply.code(202).send(erased);
    },
  );

  app.get(
    "/v1/erasures/:id",
    {
      config: { scope: "privacy:manage" },
      schema: {
        operationId: "getErasure",
        summary: "Read what became of an erasure",
        description:
          "RUNNING until the last copy is gone, within a minute. It says how much went, and not whose it was.",
        tags: ["Privacy"],
        params: IdParams,
        response: { 200: { description: "Its receipt", ...ref(ErasureSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      const found = await tenancy.readWorkspace(callerOf(request), (tx) => findErasure(tx, request.params.id));
      if (found === undefined) throw new AppError("not_found", "There is no erasure with this id.");
      return found;
    },
  );

  app.get(
    "/v1/people/:id/export",
    {
      config: { scope: "privacy:manage" },
      schema: {
        operationId: "exportPerson",
        summary: "Read everything that is held about a person",
        description:
          "What the law has us answer who asks what is held about them: person, answers, cases, contacts, what others were told, and what is still to be recorded. One document, as of one moment.",
        tags: ["Privacy"],
        params: IdParams,
        response: { 200: { description: "All of it", ...ref(PersonExportSchema) }, ...problems(400, 404) },
      },
    },
    async (request) => {
      // All that is held: nothing may lag behind.
      const caller = { ...callerOf(request), readsAfter: undefined };
      const found = await tenancy.readWorkspace(caller, (tx) => exportPerson(tx, request.params.id));
      if (found === undefined) throw noSuchPerson();
      return found;
    },
  );
}

function noSuchPerson(): AppError {
  return new AppError("not_found", "There is no person with this id.");
}

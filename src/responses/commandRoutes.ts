import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { allowNoBody, NoFields } from "../platform/noBody.ts";
import { problems } from "../platform/problem.ts";
import { Id, ref, Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { acknowledgeResponse } from "./acknowledging.ts";
import { excludeResponse, includeResponse } from "./excluding.ts";
import { ExclusionInputSchema, ResponseSchema } from "./model.ts";
import { noSuchResponse } from "./service.ts";
import { type RecordingSteps, withCases } from "./steps.ts";

const IdParams = Strict({ id: Id("The response's id") });
const ANSWERS = { 200: { description: "As it is now", ...ref(ResponseSchema) } };

/** What is done to a response that is no change of what was answered. */
export function registerResponseCommands(app: Server, tenancy: Tenancy, steps: RecordingSteps): void {
  app.addSchema(ExclusionInputSchema);

  app.post(
    "/v1/responses/:id/exclusion",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "excludeResponse",
        summary: "Take a response out of every aggregate, for a reason; said again, it changes nothing",
        description:
          "It stays readable, and that it was out is kept in its history. Out for another reason it must be included first: 409.",
        tags: ["Responses"],
        params: IdParams,
        body: ref(ExclusionInputSchema),
        response: { ...ANSWERS, ...problems(400, 404, "conflict", 413, 415) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), async (tx) => {
        const response = await excludeResponse(tx, request.params.id, request.body, steps);
        if (response === undefined) throw noSuchResponse();
        return response;
      }),
  );

  app.delete(
    "/v1/responses/:id/exclusion",
    {
      config: { scope: "responses:write" },
      schema: {
        operationId: "includeResponse",
        summary: "Put a response back into every aggregate; said again, it changes nothing",
        description: "It counts again, at the time when it was given; that it was out is kept in its history.",
        tags: ["Responses"],
        params: IdParams,
        response: { ...ANSWERS, ...problems(400, 404) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), async (tx) => {
        const response = await includeResponse(tx, request.params.id, steps);
        if (response === undefined) throw noSuchResponse();
        return response;
      }),
  );

  app.post(
    "/v1/responses/:id/acknowledgement",
    {
      config: { scope: "responses:write" },
      preValidation: allowNoBody,
      schema: {
        operationId: "acknowledgeResponse",
        summary: "Record that the customer was thanked; said again, it changes nothing",
        description: "A contact with the topic THANKED that reached the customer does the same by itself.",
        tags: ["Responses"],
        params: IdParams,
        body: NoFields,
        response: { 200: { description: "As it is now", ...ref(ResponseSchema) }, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) =>
      tenancy.inWorkspace(callerOf(request), async (tx) => {
        const [response] = await withCases(tx, [await acknowledgeResponse(tx, request.params.id, steps)], steps);
        return response;
      }),
  );
}

import { builder, parseId } from "../platform/graphql.ts";
import { defineInput } from "../platform/graphqlInput.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { acknowledgeResponse } from "./acknowledging.ts";
import { excludeResponse, includeResponse } from "./excluding.ts";
import { ResponseType } from "./graphql.ts";
import { ExclusionInputSchema, type Response } from "./model.ts";
import { listResponsesById } from "./queries.ts";
import { noSuchResponse } from "./service.ts";
import type { RecordingSteps } from "./steps.ts";

/** The mutations; what else happens with a changed answer is the composition root's to say. */
export function defineResponseMutations(steps: RecordingSteps): void {
  const exclusion = defineInput(ExclusionInputSchema);
  const extensions = { scope: "responses:write" };

  builder.mutationFields((t) => ({
    acknowledgeResponse: t.field({
      type: ResponseType,
      description: "Record that the customer was thanked; said again, it changes nothing",
      extensions,
      args: { id: t.arg.id({ required: true, description: "UUID of the response; `not_found` where there is none" }) },
      resolve: (_root, { id }, context) => context.write((tx) => acknowledgeResponse(tx, parseId("id", id), steps)),
    }),
    excludeResponse: t.field({
      type: ResponseType,
      description: "Take a response out of every aggregate, for a reason; said again, it changes nothing",
      extensions,
      args: {
        id: t.arg.id({ required: true, description: "UUID of the response; `not_found` where there is none" }),
        input: t.arg({ type: exclusion.ref, required: true, description: "Why it is not to be counted" }),
      },
      resolve: (_root, args, context) => {
        const input = exclusion.read(args.input);
        return context.write(async (tx) => again(tx, await excludeResponse(tx, parseId("id", args.id), input, steps)));
      },
    }),
    includeResponse: t.field({
      type: ResponseType,
      description: "Put a response back into every aggregate; said again, it changes nothing",
      extensions,
      args: { id: t.arg.id({ required: true, description: "UUID of the response; `not_found` where there is none" }) },
      resolve: (_root, { id }, context) =>
        context.write(async (tx) => again(tx, await includeResponse(tx, parseId("id", id), steps))),
    }),
  }));
}

/** As GraphQL knows it, whose fields find the case by themselves. */
async function again(tx: WorkspaceTx, response: Response | undefined) {
  const [found] = response === undefined ? [] : await listResponsesById(tx, [response.id]);
  if (found === undefined) throw noSuchResponse();
  return found;
}

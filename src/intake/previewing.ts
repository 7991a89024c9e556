import { given } from "../platform/json.ts";
import type { Caller } from "../platform/tenancy.ts";
import { LIVE, listResponsesById, type Response, withCases } from "../responses/index.ts";
import { parseDelivery } from "./deliveries.ts";
import type { DeliveryResult } from "./model.ts";
import { findSource } from "./queries.ts";
import { callerFor, type Intake, toResult } from "./receiving.ts";
import { requireSource } from "./service.ts";
import { settle } from "./settling.ts";
import type { Delivery } from "./vendors/index.ts";

/** Carries the result out of what is undone. */
class Undone extends Error {}

/**
 * What would become of a delivery: it is done, looked at, and undone.
 * @throws {AppError} `not_found`
 */
export async function preview(
  { tenancy, steps }: Intake,
  caller: Caller,
  sourceId: string,
  delivery: Delivery,
): Promise<DeliveryResult & { response?: Response }> {
  const source = requireSource(await tenancy.readWorkspace(caller, (tx) => findSource(tx, sourceId)));
  const parsed = await parseDelivery(delivery.body, delivery.headers, new Date(), source.vendor);
  return tenancy.inWorkspace(callerFor(source, caller.requestId), async (tx) => {
    let shown: DeliveryResult & { response?: Response } = { outcome: "IGNORED" };
    const work = async () => {
      const settled = await settle(
        tx,
        source,
        { ...parsed, receivedAt: tx.now },
        { steps, options: LIVE, mode: "LIVE" },
      );
      const ids = settled.responseId === undefined ? [] : [settled.responseId];
      const [response] = await withCases(tx, await listResponsesById(tx, ids), steps);
      shown = { ...toResult(settled), ...given({ response }) };
      throw new Undone();
    };
    await tx.attempt(work).catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
    const { responseId: _made, ...result } = shown;
    return result;
  });
}

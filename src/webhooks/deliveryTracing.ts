import { markFailed, traced } from "../platform/tracing.ts";
import type { ToSend } from "./deliveryQueries.ts";
import type { Sent } from "./sending.ts";
import type { EndpointRow } from "./table.ts";

/**
 * Makes an attempt in a span of its own. It begins a trace, which the receiver is not told: what was done here is nothing
 * to a stranger, and the event's own trace may be days old.
 */
export async function traceAttempt(
  workspaceId: string,
  delivery: ToSend,
  endpoint: EndpointRow,
  make: () => Promise<Sent | undefined>,
): Promise<Sent | undefined> {
  const attributes = {
    "http.request.method": "POST",
    "http.request.resend_count": delivery.attempts,
    "afterscore.workspace.id": workspaceId,
    "afterscore.webhook_endpoint.id": endpoint.id,
    "afterscore.delivery.id": delivery.id,
    "afterscore.event.type": delivery.eventType,
  };
  return traced({ name: "deliver webhook", kind: "CLIENT", attributes }, async (span) => {
    const sent = await make();
    if (sent === undefined) return sent;
    span?.setAttribute("afterscore.delivery.outcome", sent.outcome);
    if (sent.status !== null) span?.setAttribute("http.response.status_code", sent.status);
    if (sent.outcome !== "DELIVERED") markFailed(span, sent.status === null ? "no answer" : String(sent.status));
    return sent;
  });
}

import type { Client } from "./service.ts";

export const ENDPOINTS = "/v1/webhook-endpoints";
/** Of services whose endpoints have secrets. */
export const SECRETS_KEY = Buffer.alloc(32, 7);

export const createEndpoint = (client: Client, input: object = {}) =>
  client.post(ENDPOINTS, { url: "https://example.com/hook", eventTypes: ["response.recorded"], ...input });

/** An endpoint that was made. */
export async function madeEndpoint(client: Client, input: object = {}) {
  const { body } = await createEndpoint(client, input);
  return { id: body.id as string, path: `${ENDPOINTS}/${body.id}`, secret: body.secret as string };
}

/** What is to be sent: when, as far as it is due. */
export const queueOf = (client: Client) =>
  client.rows(`select delivery_id as id, case when due_at = 'infinity' then 'never' when due_at <= now() then 'now' else 'later' end as due
    from delivery_queue where workspace_id = '${client.workspaceId}' order by delivery_id`);

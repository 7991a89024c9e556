import t from "tap";
import { madeEndpoint, queueOf, SECRETS_KEY } from "../support/endpoints.ts";
import { relayAll } from "../support/events.ts";
import { startService } from "../support/service.ts";

t.test("webhook endpoints,", async (t) => {
  const service = await startService(t, { secretsKey: SECRETS_KEY });

  t.test("paused, keep what is to be sent; taken up again, send it at once", async (t) => {
    const client = await service.newClient();
    const { path } = await madeEndpoint(client);
    const relay = async () => {
      await client.post("/v1/responses", { score: 9 });
      await relayAll(service);
      return (await queueOf(client)).map(({ due }) => due);
    };
    t.same(await relay(), ["now"]);
    await client.rows("update delivery_queue set due_at = now() + interval '1 hour'");
    t.equal((await client.patch(path, { status: "PAUSED" })).body.status, "PAUSED");
    t.same(await relay(), ["never", "never"]);
    t.match((await client.get(`${path}/deliveries`)).body.data, [{ nextAttemptAt: null }, { nextAttemptAt: null }]);
    await client.patch(path, { description: "still paused" });
    t.same(
      (await queueOf(client)).map(({ due }) => due),
      ["never", "never"],
    );
    await client.rows("update webhook_endpoints set failing_since = now() - interval '4 days'");
    t.match((await client.patch(path, { status: "ACTIVE" })).body, { status: "ACTIVE", failingSince: null });
    t.same(await relay(), ["now", "now", "now"]);
    const { body } = await client.get(`${path}/deliveries`);
    t.ok(body.data.every(({ nextAttemptAt }: { nextAttemptAt: string | null }) => nextAttemptAt !== null));
  });

  t.test("disabled, give up what is to be sent, and others are told", async (t) => {
    const client = await service.newClient();
    const { id, path } = await madeEndpoint(client, { eventTypes: ["response.recorded", "endpoint.disabled"] });
    const other = await madeEndpoint(client, { eventTypes: ["endpoint.disabled"] });
    await client.post("/v1/responses", { score: 9 });
    await relayAll(service);
    const { body: disabled } = await client.patch(path, { status: "DISABLED", description: "Gone" });
    t.match(disabled, { status: "DISABLED", disabledReason: "It was disabled by a call.", version: 3 });
    t.same((await client.get(path)).body, disabled);
    t.same(await queueOf(client), []);
    const { body: log } = await client.get(`${path}/deliveries`);
    t.match(log.data, [{ status: "FAILED", nextAttemptAt: null, finishedAt: disabled.updatedAt }]);
    t.equal((await client.patch(path, { status: "DISABLED" })).body.version, 3, "once");
    // Taken up again before others were told: it is not told of itself all the same.
    t.match((await client.patch(path, { status: "ACTIVE" })).body, { disabledReason: null, version: 4 });
    await relayAll(service);
    t.same((await client.get(`${path}/deliveries`)).body.data.length, 1);
    t.match((await client.get(`${other.path}/deliveries`)).body.data, [{ eventType: "endpoint.disabled" }]);
    t.match((await client.get("/v1/events?type=endpoint.disabled")).body.data, [
      {
        type: "endpoint.disabled",
        data: {
          sequence: 3,
          endpoint: { id, status: "DISABLED", disabledReason: disabled.disabledReason },
          previous: { status: "ACTIVE", disabledReason: null },
        },
      },
    ]);
    await client.patch(path, { status: "DISABLED" });
    for (const call of ["test", "replay"]) {
      const body = call === "test" ? {} : { from: "2026-01-01T00:00:00Z", to: "2027-01-02T00:00:00Z" };
      t.match(await client.post(`${path}/${call}`, body), { status: 409, body: { code: "conflict" } }, call);
    }
    t.match(await client.post(`/v1/webhook-deliveries/${log.data[0].id}/replay`, {}), { status: 409 });
    const actions = await client.rows(`select action from audit_log where subject_id = '${id}' order by id`);
    t.same(
      actions.map(({ action }) => action),
      ["created", "changed", "disabled", "changed", "disabled"].map((what) => `webhook_endpoint.${what}`),
    );
  });
});

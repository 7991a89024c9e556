import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { contentOf } from "../support/matrix/asking.ts";
import { withClient } from "../support/server.ts";
import { type Client, startService } from "../support/service.ts";

/** Longer than a transaction waits for a lock, so that it is undone and runs again on the one connection. */
const LOCKED_MS = 1_200;
const WAVES = 4;
const KINDS = 10;

/** An answer over a socket; undefined where the caller was gone before it came. */
type Heard = { status: number; text: string } | undefined;

t.test("200 interleaved requests over one pooled connection never show a foreign row", async (t) => {
  const service = await startService(t, { poolSize: 1 });
  await service.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = service.app.server.address() as AddressInfo;

  /** @param leave when the caller destroys the socket */
  const send = (client: Client, method: string, path: string, body?: object, leave?: "MIDWAY" | "SENT") =>
    new Promise<Heard>((resolve) => {
      const payload = body === undefined ? "" : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${client.apiKey}`,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(payload),
      };
      const sent = request({
        port,
        method,
        path,
        headers: body === undefined ? { authorization: headers.authorization } : headers,
      });
      sent.once("error", () => resolve(undefined));
      sent.once("response", (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.once("error", () => resolve(undefined));
      });
      if (leave === "MIDWAY") sent.write(payload.slice(0, payload.length / 2), () => sent.destroy());
      else sent.end(payload, () => leave === "SENT" && setTimeout(() => sent.destroy(), Math.random() * 20));
    });

  const sides = await Promise.all(
    [0, 1].map(async () => {
      const client = await service.newClient();
      const said = `said in ${client.workspaceId}`;
      const kept = {
        score: 5,
        comment: said,
        source: "tool",
        externalId: "kept",
        person: { email: "ana@example.com" },
      };
      const { body } = await client.post("/v1/responses", kept);
      return { client, said, kept, id: body.id as string };
    }),
  );
  type Side = (typeof sides)[number];

  /** Holds a row for a while, from another connection, while its workspace wants to change it. */
  const whileLocked = async ({ client, id }: Side, work: () => Promise<Heard>): Promise<Heard> =>
    withClient(service.url, async (other) => {
      await other.query("begin");
      await other.query(`set local app.workspace_id = '${client.workspaceId}'`);
      await other.query("select from responses where workspace_id = $1 and id = $2 for update", [
        client.workspaceId,
        id,
      ]);
      const answer = work();
      await sleep(LOCKED_MS);
      await other.query("rollback");
      return answer;
    });

  /** Sends a request and says which status it must have. */
  const kinds: ((side: Side, foreign: Side, n: number) => [number, Promise<Heard>])[] = [
    ({ client, said }) => [201, send(client, "POST", "/v1/responses", { score: 1, comment: said })],
    ({ client }) => [400, send(client, "POST", "/v1/responses", { score: 11 })],
    ({ client }) => [200, send(client, "GET", "/v1/responses?limit=100")],
    ({ client }, foreign) => [404, send(client, "GET", `/v1/responses/${foreign.id}`)],
    ({ client, kept }) => [409, send(client, "POST", "/v1/responses", { ...kept, score: 6 })],
    ({ client }) => [
      200,
      send(client, "POST", "/graphql", {
        query: "{ cases(first: 100) { edges { node { id responses { comment } } } } }",
      }),
    ],
    ({ client, said }) => [201, send(client, "POST", "/v1/responses", { score: 2, comment: said }, "MIDWAY")],
    ({ client, said }) => [201, send(client, "POST", "/v1/responses", { score: 3, comment: said }, "SENT")],
    ({ client }) => [200, send(client, "GET", "/v1/exports/responses", undefined, "SENT")],
    (side, _foreign, n) => {
      const change = () => send(side.client, "PATCH", `/v1/responses/${side.id}`, { touchpoint: `t-${n}` });
      return [200, n < 2 ? whileLocked(side, change) : change()];
    },
  ];
  t.equal(kinds.length, KINDS);

  /** What fails inside the one transaction at a time, where no request can make it fail. */
  const breakTransactions = async ({ client }: Side, isCut: boolean): Promise<void> => {
    const caller = { workspaceId: client.workspaceId, actor: { kind: "job", id: "test" }, requestId: null } as const;
    const { tenancy } = service;
    const fails = t.rejects(tenancy.inWorkspace(caller, (tx) => tx.db.execute("select 1 / 0")));
    const givesUp = t.rejects(tenancy.inWorkspace(caller, async () => Promise.reject(new Error("given up"))));
    await Promise.all([fails, givesUp]);
    if (!isCut) return;
    const cut = tenancy.inWorkspace(caller, async (tx) => {
      const { rows } = await tx.db.execute<{ pid: number }>("select pg_backend_pid() as pid");
      await withClient(service.url, (other) => other.query("select pg_terminate_backend($1::int)", [rows[0]?.pid]));
      // Nothing is asked while it breaks.
      await sleep(50);
      await tx.db.execute("select 1");
    });
    await t.rejects(cut, { code: "unavailable" }, "the connection was cut under a transaction");
  };

  let heard = 0;
  let gone = 0;
  for (let wave = 0; wave < WAVES; wave += 1) {
    const requests = Array.from({ length: 200 / WAVES }, async (_, index) => {
      const side = sides[index % 2] as Side;
      const foreign = sides[(index + 1) % 2] as Side;
      const kind = Math.floor(index / 2) % KINDS;
      const [status, answer] = kinds[kind]?.(side, foreign, wave * 2 + Math.floor(index / 2 / KINDS)) ?? [
        0,
        Promise.resolve(undefined),
      ];
      const got = await answer;
      if (got === undefined) return (gone += 1);
      t.equal(got.status, status, `${kind}: ${got.text.slice(0, 200)}`);
      t.notOk(got.text.includes(foreign.client.workspaceId), `${kind} shows nothing foreign`);
      return (heard += 1);
    });
    await Promise.all([...requests, ...sides.map((side) => breakTransactions(side, wave === 1))]);
  }
  t.equal(heard + gone, 200);
  t.ok(heard > 130, `${heard} were answered`);
  t.ok(gone > 20, `${gone} callers were gone`);
  for (const [index, { client, said }] of sides.entries()) {
    const foreign = sides[1 - index] as Side;
    const { text } = await contentOf(client);
    t.notOk(text.includes(foreign.client.workspaceId), "nothing was stored in the other's name");
    t.ok(text.includes(said));
  }
});

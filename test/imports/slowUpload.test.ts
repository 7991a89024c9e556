import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { NDJSON } from "../support/files.ts";
import { startService } from "../support/service.ts";

const REQUEST_MS = 300;
const PIECES = 12;

/** The pieces one by one, in all four times as long as a request may take. */
async function* slowly(pieces: Iterable<string>) {
  for (const piece of pieces) {
    yield Buffer.from(piece);
    await sleep((4 * REQUEST_MS) / PIECES);
  }
}

t.test("an upload may take longer than any other request, while it keeps coming", async (t) => {
  const service = await startService(t, { requestTimeout: REQUEST_MS });
  const client = await service.newClient();
  const url = await service.app.listen({ host: "127.0.0.1", port: 0 });
  const send = async (path: string, type: Record<string, string>, pieces: string[]) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { ...type, authorization: `Bearer ${client.apiKey}` },
      body: ReadableStream.from(slowly(pieces)),
      duplex: "half",
    }).then(
      async (answer) => ({ status: answer.status, body: (await answer.json()) as any }),
      () => "cut off",
    );

  const lines = Array.from({ length: PIECES }, (_, n) => `{"score":${n % 11},"externalId":"${n}"}\n`);
  t.match(await send("/v1/imports", NDJSON, lines), { status: 202, body: { status: "QUEUED", received: PIECES } });

  const letters = '{"score": 10 }'.padEnd(PIECES).split("");
  const refused: any = await send("/v1/responses", { "content-type": "application/json" }, letters);
  t.ok(refused === "cut off" || refused.status === 400, `elsewhere it is refused: ${JSON.stringify(refused)}`);
  t.same((await client.get("/v1/responses")).body.data, []);
});

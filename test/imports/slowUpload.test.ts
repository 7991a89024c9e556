import { once } from "node:events";
import { connect } from "node:net";
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

t.test("who writes all of a file before reading is told too that its header was refused", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const url = new URL(await service.app.listen({ host: "127.0.0.1", port: 0 }));
  // More than the system keeps between two sockets.
  const rest = Buffer.alloc(64 * 1024 * 1024, "9,x\n");
  const head = Buffer.from("Score,comment\n");
  const socket = connect(Number(url.port), url.hostname);
  t.teardown(() => socket.destroy());
  socket.write(
    `POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n` +
      `Authorization: Bearer ${client.apiKey}\r\nContent-Length: ${head.length + rest.length}\r\n\r\n`,
  );
  socket.write(head);
  socket.write(rest);
  const isWritten = await Promise.race([once(socket, "drain").then(() => true), sleep(20_000, false, { ref: false })]);
  t.ok(isWritten, "the rest is taken, and thrown away");
  if (!isWritten) return;
  const [answer] = await once(socket.setEncoding("utf8"), "data");
  t.match(answer, /^HTTP\/1.1 400 [^]*"invalidParams":\[\{"name":"Score"/);
});

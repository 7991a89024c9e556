import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import t, { type Test } from "tap";
import { createResolver } from "../../src/platform/resolving.ts";

const [HEADER_BYTES, TYPE_A, NOT_FOUND] = [12, 1, 3];

/** A name server on a socket: it knows one name, has no IPv6, says nothing at all of another, and does not know the rest. */
async function startNameServer(t: Test, known: string, silent: string) {
  const asked: string[] = [];
  const server = createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (; query[at] !== 0; at += 1 + (query[at] ?? 0))
      labels.push(query.toString("latin1", at + 1, at + 1 + (query[at] ?? 0)));
    const name = labels.join(".").toLowerCase();
    asked.push(name);
    if (name === silent) return;
    const hasAnswer = name === known && query.readUInt16BE(at + 1) === TYPE_A;
    // Id, flags, one question, so many answers; then the question as it came.
    const header = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      name === known ? 0x80 : 0x80 + NOT_FOUND,
      0,
      1,
      0,
      hasAnswer ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const answer = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    server.send(
      Buffer.concat([header, query.subarray(HEADER_BYTES, at + 5), hasAnswer ? answer : Buffer.alloc(0)]),
      port,
      address,
    );
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  return { asked, url: `127.0.0.1:${server.address().port}` };
}

t.test("a name server that says nothing costs only those who ask for its names", async (t) => {
  const { asked, url } = await startNameServer(t, "known.example", "silent.example");
  const resolve = createResolver([url]);
  const hanging = Array.from({ length: 32 }, async () => resolve("silent.example"));
  let isOver = false;
  const over = Promise.all(hanging).then((found) => {
    isOver = true;
    return found;
  });
  t.same(await resolve("known.example"), [{ address: "192.0.2.7", family: 4 }]);
  // As whoever connects to a database does.
  t.ok((await lookup("localhost", { all: true })).length > 0);
  t.ok((await resolve("localhost")).length > 0, "names of this machine are known");
  t.notOk(isOver, "while the other name is still waited for");
  t.same(new Set((await over).flat()), new Set(), "and is then found to have no address");
  t.ok(
    asked.filter((name) => name === "silent.example").length <= 4,
    "for all who asked at once it was asked once, by A and AAAA, and again",
  );
  await t.rejects(resolve("unknown.example"), "what nobody knows the operating system does not know either");
});

import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import t, { type Test } from "tap";
import { isPublic, readNetworks } from "../../src/platform/outboundAddresses.ts";
import { createOutboundHttp, type OutboundOptions } from "../../src/platform/outboundHttp.ts";
import { SELF_SIGNED } from "../support/selfSigned.ts";

const REQUEST = { headers: {}, body: Buffer.from("{}"), timeoutMs: 2_000, answerBytesMax: 4_096 };

function http(t: Test, allowed = "", resolve?: OutboundOptions["resolve"]) {
  const allowedNetworks = readNetworks(allowed);
  if (allowedNetworks === undefined) throw new Error("not networks");
  const outbound = createOutboundHttp({ allowedNetworks, ...(resolve && { resolve }) });
  t.teardown(() => outbound.close());
  return outbound;
}

/** Counts who comes. */
async function listen(t: Test, host: string, port = 0) {
  const seen = { connections: 0, port: 0 };
  const server = createSocketServer((socket) => {
    seen.connections += 1;
    socket.destroy();
  });
  server.listen(port, host);
  await once(server, "listening");
  seen.port = (server.address() as AddressInfo).port;
  t.teardown(() => server.close());
  return seen;
}

t.test("hostile addresses reach nothing", async (t) => {
  const four = await listen(t, "127.0.0.1");
  const six = await listen(t, "::1", four.port).catch(() => undefined);
  const outbound = http(t);
  const hosts = [
    ..."127.0.0.1 127.1 127.0.0.1. 0x7f.0.0.1 0x7f000001 2130706433 017700000001 0177.0.0.1 0 0.0.0.0".split(" "),
    ..."127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1".split(" "),
    ..."100.100.100.200 168.63.129.16 192.0.0.192 224.0.0.1 255.255.255.255 240.0.0.1 198.18.0.1".split(" "),
    ..."[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]".split(" "),
    ..."[2002:7f00:1::] [2001::1] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1] [fec0::1] [2001:db8::1]".split(" "),
    ..."localhost localhost. LOCALHOST １２７.０.０.１ 127。0。0。1 %31%32%37.0.0.1".split(" "),
  ];
  for (const scheme of ["https", "http"]) {
    for (const host of hosts) {
      const url = `${scheme}://${host}:${four.port}/`;
      t.type(await outbound.explainRefusal(url), "string", url);
      t.match(await outbound.post(url, REQUEST), { status: null, error: /^The URL / }, url);
    }
  }
  t.equal(four.connections, 0);
  t.equal(six?.connections ?? 0, 0);
});

t.test("other schemes, ports and names in a URL are refused", async (t) => {
  const outbound = http(t, "10.0.0.0/8,fd00::/8");
  const reasons: [string, RegExp | undefined][] = [
    ["https://93.184.216.34/hook?x=1", undefined],
    ["https://93.184.216.34:8443/", undefined],
    ["https://[2606:4700::1111]/", undefined],
    ["https://93.184.216.34:25/", /port/],
    ["https://93.184.216.34:22/", /port/],
    ["http://93.184.216.34/", /https/],
    ["https://user@93.184.216.34/", /name or password/],
    ["https://:secret@93.184.216.34/", /name or password/],
    ["ftp://93.184.216.34/", /https/],
    ["file:///etc/passwd", /https/],
    ["gopher://93.184.216.34/", /https/],
    ["no url", /https/],
    ["http://10.1.2.3:80/", undefined],
    ["http://[fd00::5]:22/", undefined],
    ["http://11.1.2.3/", /https/],
  ];
  for (const [url, reason] of reasons) {
    const found = await outbound.explainRefusal(url);
    if (reason === undefined) t.equal(found, undefined, url);
    else t.match(found, reason, url);
  }
  t.equal(isPublic("no address"), false);
  for (const text of [
    "10.0.0.0",
    "10.0.0.0/33",
    "x/8",
    "fd00::/129",
    "10.0.0.0/8 11.0.0.0/8",
    "::/0",
    "::/8",
    "::fffe:0:0/95",
  ]) {
    t.equal(readNetworks(text), undefined, text);
  }
  for (const text of ["::1/128", "2000::/3", "::ffff:10.0.0.0/104"]) t.ok(readNetworks(text), text);
});

t.test("a name whose addresses change, or are mixed, is dialled where it was checked", async (t) => {
  const seen = await listen(t, "127.0.0.1");
  const url = `https://rebinding.example:${seen.port}/`;
  let calls = 0;
  const rebinding = http(t, "", async () => {
    calls += 1;
    return [{ address: calls === 1 ? "93.184.216.34" : "127.0.0.1", family: 4 }];
  });
  t.equal(await rebinding.explainRefusal(url), undefined, "when it is saved");
  t.match(await rebinding.post(url, REQUEST), { status: null, error: /private/ }, "when it is dialled");
  t.equal(calls, 2, "asked once for a dial");
  const mixed = http(t, "", async () => [
    { address: "93.184.216.34", family: 4 },
    { address: "127.0.0.1", family: 4 },
  ]);
  t.match(await mixed.post(url, REQUEST), { status: null, error: /private/ });
  t.match(await http(t, "", async () => []).explainRefusal(url), /resolved/);
  t.equal(seen.connections, 0);
});

t.test("answers: redirects are not followed, long ones are cut, slow ones are ended", async (t) => {
  const paths: string[] = [];
  let sent = 0;
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    if (request.url === "/redirect") response.writeHead(307, { location: "/elsewhere", "retry-after": "7" }).end();
    else if (request.url === "/slow") response.write("a");
    else if (request.url === "/huge") {
      const chunk = Buffer.alloc(65_536, "x");
      const more = () => {
        while (sent < 1e9 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once("drain", more);
            break;
          }
        }
      };
      more();
    } else if (request.url !== "/silent") response.end("good");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const outbound = http(t, "127.0.0.0/8");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = { ...REQUEST, timeoutMs: 500 };
  t.match(await outbound.post(`${base}/good`, request), { status: 200, answer: Buffer.from("good") });
  t.match(await outbound.post(`${base}/redirect`, request), { status: 307, retryAfter: "7" });
  t.same(paths, ["/good", "/redirect"]);
  const huge = await outbound.post(`${base}/huge`, REQUEST);
  t.equal(huge.status === 200 && huge.answer.length, 4_096);
  t.ok(sent < 50e6, `${sent} bytes were sent`);
  for (const path of ["/slow", "/silent"]) {
    const slow = await outbound.post(base + path, request);
    t.match(slow, { status: null, error: "No answer within 0.5 s." });
    t.ok(slow.durationMs < 1_500, `${slow.durationMs} ms`);
  }
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 50);
  t.match(await outbound.post(`${base}/silent`, { ...request, signal: ending.signal }), {
    status: null,
    error: /ended/,
  });
});

t.test("the time-out is over resolving too, and what is late then sends nothing", async (t) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { promise, resolve } = Promise.withResolvers<{ address: string; family: number }[]>();
  const outbound = http(t, "127.0.0.0/8", () => promise);
  const url = `http://slow.example:${(server.address() as AddressInfo).port}/`;
  const slow = await outbound.post(url, { ...REQUEST, timeoutMs: 200 });
  t.match(slow, { status: null, error: "No answer within 0.2 s." });
  t.ok(slow.durationMs < 1_000, `${slow.durationMs} ms`);
  const ended = await outbound.post(url, { ...REQUEST, signal: AbortSignal.abort() });
  t.match(ended, { status: null, error: /ended/ });
  t.ok(ended.durationMs < 1_000, "ended before it began");
  resolve([{ address: "127.0.0.1", family: 4 }]);
  t.match(await outbound.post(url, REQUEST), { status: 200 });
  t.equal(requests, 1);
});

t.test("only a trusted certificate for the name is accepted, whatever the environment says", async (t) => {
  let requests = 0;
  const server = createTlsServer(SELF_SIGNED, (_request, response) => {
    requests += 1;
    response.end("good");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  const trusted = getCACertificates("default");
  t.teardown(() => {
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    setDefaultCACertificates(trusted);
  });
  const url = `https://hooks.example:${port}/`;
  t.match(await http(t, "127.0.0.0/8", resolve).post(url, REQUEST), { status: null, error: /SELF_SIGNED/ });
  t.equal(requests, 0);
  setDefaultCACertificates([...trusted, SELF_SIGNED.cert]);
  const outbound = http(t, "127.0.0.0/8", resolve);
  t.match(await outbound.post(url, REQUEST), { status: 200 });
  for (const other of [`https://other.example:${port}/`, `https://127.0.0.1:${port}/`]) {
    t.match(await outbound.post(other, REQUEST), { status: null, error: /ALTNAME/ }, other);
  }
  t.equal(requests, 1);
});

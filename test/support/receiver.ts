import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Test } from "tap";

/** A webhook as it came in. */
export interface Received {
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** On the clock of `performance.now()`. */
  at: number;
}

/** Somebody's server that takes webhooks, on a real socket. */
export interface Receiver {
  url: string;
  /** In the order in which they came. */
  received: Received[];
}

/** @param answer by which each is answered; 204 without */
export async function startReceiver(
  t: Test,
  answer: (response: ServerResponse, received: Received) => void = (response) => response.writeHead(204).end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const one = { id: String(request.headers["webhook-id"]), headers: request.headers, body, at: performance.now() };
      received.push(one);
      answer(response, one);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics } from "prom-client";
import { registry } from "./metrics.ts";

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/** Answers `GET /metrics` and nothing else, on a port of its own that the world is not given. */
export async function startMetricsServer(host: string, port: number): Promise<MetricsServer> {
  if (registry.getSingleMetric("process_start_time_seconds") === undefined) {
    collectDefaultMetrics({ register: registry });
  }
  const server = createServer(({ method, url }, answer) => {
    if (method !== "GET" || url?.split("?", 1)[0] !== "/metrics") {
      answer.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => answer.writeHead(200, { "content-type": registry.contentType }).end(text),
      () => answer.writeHead(500).end(),
    );
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

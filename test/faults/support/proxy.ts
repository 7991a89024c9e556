import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What the way to the database does. `latency`: everything comes later. `blackHole`: nothing comes through, of old
 * connections and new ones, and nobody is told. `halfOpen`: what is sent arrives, and nothing comes back.
 */
export type Way = "open" | "latency" | "blackHole" | "halfOpen";

export interface Proxy {
  /** The database by way of the proxy. */
  url: string;
  /** From now on, for all connections; what was held back until then stays lost. */
  set(way: Way): void;
  /** Breaks all connections, by a reset. */
  reset(): void;
  close(): Promise<void>;
}

const LATENCY_MS = 200;

/** A TCP proxy before the database of this URL. */
export async function startProxy(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let way: Way = "open";

  const keep = (socket: Socket) => {
    sockets.add(socket);
    // Each error is followed by the end, which is passed on.
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  /** A connection of which something was lost never works again, as it is with TCP. */
  const pass = (from: Socket, to: Socket, lost: { is: boolean }, isBack: boolean) => {
    from.on("data", (chunk: Buffer) => {
      if (way === "blackHole" || (way === "halfOpen" && isBack)) lost.is = true;
      if (lost.is && (isBack || way === "blackHole")) return;
      if (way === "latency") setTimeout(() => to.writable && to.write(chunk), LATENCY_MS);
      else to.write(chunk);
    });
    from.once("close", () => {
      if (way === "blackHole") return;
      to.destroy();
    });
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = connect(Number(target.port), target.hostname);
    keep(upstream);
    const lost = { is: way === "blackHole" };
    pass(client, upstream, lost, false);
    pass(upstream, client, lost, true);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    set: (next) => {
      way = next;
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

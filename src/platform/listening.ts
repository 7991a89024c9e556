import { once } from "node:events";
import { createServer, type Server as Listener } from "node:net";
import type { FastifyListenOptions } from "fastify";
import type { Server } from "./http.ts";

/** So many new connections are taken on in a turn of the event loop at most. */
const LISTENERS = 16;

/** Elsewhere the system does not share a port out, or does it in another way. */
const SHARES_PORTS = process.platform === "linux";

/**
 * Lets a server listen by several sockets on one port, among which the system shares its new connections out. Of each
 * socket the event loop takes on one connection in a turn (libuv since 1.45, so that a flood of them leaves time for the
 * others): with turns of 10 ms a hundred a second, and a thousand callers wait for ten seconds before they can be refused.
 * @returns listens there. What it throws has the code EADDRINUSE also where the other is one of us, whose port could be shared
 */
export function prepareListening(app: Server): (place: FastifyListenOptions) => Promise<string> {
  const further: Listener[] = [];
  const closed: Promise<unknown>[] = [];
  app.addHook("preClose", async () => {
    for (const one of further) {
      closed.push(once(one, "close"));
      one.close();
    }
  });
  // Each is closed when the last of its connections is.
  app.addHook("onClose", async () => {
    await Promise.all(closed);
  });
  return async (place) => {
    if (!SHARES_PORTS) return app.listen(place);
    await requireFree(place);
    const shared = { ...place, reusePort: true };
    const address = await app.listen(shared);
    const port = Number(new URL(address).port);
    while (further.length < LISTENERS - 1) {
      const one = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
        app.server.emit("connection", socket),
      ).listen({ ...shared, port });
      further.push(one);
      await once(one, "listening");
    }
    return address;
  };
}

/** @throws EADDRINUSE and others: nobody shares with a socket that does not want to */
async function requireFree(place: FastifyListenOptions): Promise<void> {
  const probe = createServer().listen(place);
  await once(probe, "listening");
  probe.close();
  await once(probe, "close");
}

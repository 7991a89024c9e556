import type { Socket } from "node:net";
import type { FastifyRequest } from "fastify";

/** A sender of whom nothing is heard for so long, although we wait for it, is gone. */
const SILENCE_MS = 60_000;

const slow = new WeakSet<Socket>();

/** Whether the request under way on this socket may take longer than others. */
export function isSlow(socket: Socket): boolean {
  return slow.has(socket);
}

/**
 * The body as it comes in, read only as fast as it is asked for. It may take as long as it keeps coming. When
 * whoever reads it gives up, the rest is thrown away, so that the sender still gets an answer.
 */
export async function* slowBody({ raw }: FastifyRequest): AsyncGenerator<Buffer> {
  const { socket } = raw;
  slow.add(socket);
  const pieces = raw.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const silence = setTimeout(() => raw.destroy(), SILENCE_MS);
      const { value, done } = await pieces.next().finally(() => clearTimeout(silence));
      if (done === true) return;
      yield value;
    }
  } finally {
    slow.delete(socket);
    // As long as this one looks at the body, nobody else can read it.
    await pieces.return?.();
    raw.resume();
  }
}

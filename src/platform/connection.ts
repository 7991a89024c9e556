import type { Socket } from "node:net";
import { Client, type PoolClient, Query, type QueryConfig, type QueryResult } from "pg";

/**
 * A connection whose queries know from the beginning whom to tell. The driver makes that for a promise, and again for a
 * time limit (so none is given to it), after it has made the query; and what hangs on such a query, all that was sent
 * and answered, outlives every collection of young garbage until a full one: half of what is allocated, copied each time.
 */
export class Connection extends Client {
  // Takes and answers whatever the driver does: it is `Client` that says so to whoever asks.
  override query(...asked: unknown[]): never {
    const [what, values] = asked as [string | QueryConfig | Query, unknown[] | undefined];
    if (typeof asked.at(-1) === "function" || what instanceof Query) return super.query(...(asked as [Query])) as never;
    return answerTo((tell) => super.query(new Query(what, values, tell))) as never;
  }
}

/**
 * The answer to what is sent with this callback.
 * @throws what PostgreSQL says, or the driver
 */
export async function answerTo<Row extends object>(
  send: (tell: (error: Error | undefined, result: QueryResult<Row>) => void) => void,
): Promise<QueryResult<Row>> {
  const { promise, resolve, reject } = Promise.withResolvers<QueryResult<Row>>();
  send((error, result) => (error ? reject(error) : resolve(result)));
  try {
    return await promise;
  } catch (error) {
    // It was made where the answer came in, and says who has asked only from here.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** Gives the connection up once nothing has come or gone for so long, in milliseconds; never where that is 0. */
export function limitSilence(client: PoolClient, milliseconds: number): void {
  socketOf(client).setTimeout(milliseconds);
}

/** What is lost with it, and whatever else is asked there, says so. */
export function endInSilence(client: PoolClient): void {
  const socket = socketOf(client);
  socket.on("timeout", () => socket.destroy(new Error("Query read timeout")));
}

function socketOf(client: PoolClient): Socket {
  return (client as unknown as Client).connection.stream as Socket;
}

import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, send } from "./http.ts";

const QUERY = "{ nps { answered nps } cases(first: 5) { edges { node { id status } } } }";

interface Reading {
  apiKey: string;
  url: string;
  readers: number;
  pauseMs: number;
  signal: AbortSignal;
}

/**
 * Lists by REST and asks by GraphQL in turn, until the signal.
 * @returns how often each came about: a status of HTTP, of an error in GraphQL its status or code, or why nothing was answered
 */
export async function readAll({ apiKey, url, readers, pauseMs, signal }: Reading): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const ask = async (round: number): Promise<string> => {
    if (round % 2 === 0) return String((await send(`${url}/v1/responses?limit=5`, { headers })).status);
    const { status, text } = await send(`${url}/graphql`, { headers, body: JSON.stringify({ query: QUERY }) });
    const { errors } = JSON.parse(text) as { errors?: { extensions?: { code?: string } }[] };
    const code = errors?.[0]?.extensions?.code;
    if (code === undefined) return String(status);
    return code === "unavailable" ? "503" : code;
  };
  const read = async () => {
    for (let round = 0; !signal.aborted; round += 1) {
      const name = await ask(round).catch(codeOf);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: readers }, read));
  return counts;
}

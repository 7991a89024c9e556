import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** Connections are kept and used again, as senders do. */
const agent = new Agent({ keepAlive: true });

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Sent {
  method?: "GET" | "POST" | "PUT";
  headers?: Record<string, string>;
  body?: string;
  timeoutMs?: number;
}

/**
 * Sends one request and reads its answer to the end.
 * @throws the error of the socket, with its code; ETIMEDOUT where the answer was not complete in time
 */
export async function send(
  url: string,
  { method, headers = {}, body, timeoutMs = 20_000 }: Sent = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request(url, { agent, method: method ?? (body === undefined ? "GET" : "POST"), headers }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    answer.once("error", reject);
    answer.once("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
  });
  const timer = setTimeout(
    () => sent.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })),
    timeoutMs,
  );
  sent.once("error", reject).end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** What a failed request is named by. */
export function codeOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  return code ?? message;
}

export interface OutboundHttp {
  explainRefusal(url: string): Promise<string | undefined>;
  post(
    url: string,
    request: { headers: Record<string, string>; body: string; timeoutMs: number; signal?: AbortSignal },
  ): Promise<OutboundResult>;
  close(): Promise<void>;
}
export type OutboundResult =
  | { status: number; retryAfter: string | null; answer: Buffer; durationMs: number }
  | { error: string; durationMs: number };

export function createOutboundHttp(_options: { allowedNetworks: readonly string[] }): OutboundHttp {
  return {
    explainRefusal: async () => undefined,
    post: async (url, { headers, body, timeoutMs, signal }) => {
      const from = performance.now();
      try {
        const signals = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
        const res = await fetch(url, {
          method: "POST",
          headers,
          body,
          redirect: "manual",
          signal: AbortSignal.any(signals),
        });
        const answer = Buffer.from(await res.arrayBuffer()).subarray(0, 4096);
        return {
          status: res.status,
          retryAfter: res.headers.get("retry-after"),
          answer,
          durationMs: performance.now() - from,
        };
      } catch (error) {
        return { error: String(error), durationMs: performance.now() - from };
      }
    },
    close: async () => undefined,
  };
}

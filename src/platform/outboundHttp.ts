import { type BlockList, isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { isPublic, isWithin } from "./outboundAddresses.ts";
import { type Address, createResolver } from "./resolving.ts";
import { within } from "./within.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** For a host's addresses: whoever connects waits no longer for them. */
const RESOLVE_TIMEOUT_MS = 5_000;
/** Shorter than what servers keep theirs open for, so that none is used that is closed at this moment. */
const KEEP_ALIVE_MS = 4_000;
/** Below lie mail, shells and other well-known services, which nobody is to knock at in our name. */
const FREE_PORTS_FROM = 1024;
const HTTPS_PORT = 443;
const PATIENCE_HEADER = "retry-after";

export interface OutboundOptions {
  /** One's own networks: there http and every port are allowed too. */
  allowedNetworks: BlockList;
  /** Every address of a host; as `createResolver` finds them unless told otherwise. */
  resolve?: (host: string) => Promise<Address[]>;
}

export interface OutboundRequest {
  headers: Record<string, string>;
  body: Buffer;
  /** For all of it: resolving, connecting, the headers and the body of the answer. */
  timeoutMs: number;
  /** The connection is ended there. */
  answerBytesMax: number;
  signal?: AbortSignal;
}

/** What came of a request: an answer of any status, or why there was none, for people to read. */
export type OutboundResult = { durationMs: number } & (
  | { status: number; retryAfter: string | undefined; answer: Buffer; error?: undefined }
  | { status: null; error: string }
);

export interface OutboundHttp {
  /** Why a URL is not called, for people to read after its name; undefined where it is. */
  explainRefusal(url: string): Promise<string | undefined>;
  /** Never throws. Follows no redirect and goes by no proxy. */
  post(url: string, request: OutboundRequest): Promise<OutboundResult>;
  close(): Promise<void>;
}

class Refusal extends Error {}

/**
 * Calls URLs that strangers chose. Each is checked before it is kept and again when it is dialled: every address of
 * the host, and what was checked is what is dialled, so an answer that changes in between opens nothing.
 */
export function createOutboundHttp({ allowedNetworks, resolve = createResolver() }: OutboundOptions): OutboundHttp {
  const refusalOf = (address: string, protocol: string, port: number): string | undefined => {
    if (isWithin(allowedNetworks, address)) return undefined;
    if (!isPublic(address))
      return "must not lead into a private or special network; the operator can allow one by OUTBOUND_ALLOWED_NETWORKS";
    if (protocol !== "https:") return "must be https";
    if (port !== HTTPS_PORT && port < FREE_PORTS_FROM) {
      return `must not use a port below ${FREE_PORTS_FROM} other than ${HTTPS_PORT}`;
    }
    return undefined;
  };

  /** @throws {Refusal} @returns the addresses, each of them allowed */
  const addressesOf = async (protocol: string, host: string, port: number): Promise<Address[]> => {
    const family = isIP(host);
    const addresses =
      family === 0 ? await within(RESOLVE_TIMEOUT_MS, resolve(host)).catch(() => []) : [{ address: host, family }];
    if (addresses.length === 0) throw new Refusal("has a host that cannot be resolved");
    for (const { address } of addresses) {
      const refusal = refusalOf(address, protocol, port);
      if (refusal !== undefined) throw new Refusal(refusal);
    }
    return addresses;
  };

  const connect = async (options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> => {
    const port = Number(options.port) || (options.protocol === "https:" ? HTTPS_PORT : 80);
    let addresses: Address[];
    try {
      addresses = await addressesOf(options.protocol, bare(options.hostname), port);
    } catch (error) {
      return callback(error as Error, null);
    }
    // Said outright, as NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would else end all checks.
    const secured = { rejectUnauthorized: true };
    buildConnector({ ...secured, timeout: CONNECT_TIMEOUT_MS, lookup: lookupOf(addresses) })(options, callback);
  };

  const agent = new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: 16_384,
    allowH2: false,
    pipelining: 1,
    connect: (options, callback) => {
      void connect(options, callback);
    },
  });

  return {
    explainRefusal: async (text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (url === undefined || !["https:", "http:"].includes(url.protocol)) return "must be a https URL";
      if (url.username !== "" || url.password !== "") return "must not hold a name or password";
      const port = Number(url.port) || (url.protocol === "https:" ? HTTPS_PORT : 80);
      return addressesOf(url.protocol, bare(url.hostname), port).then(
        () => undefined,
        (error: Error) => error.message,
      );
    },
    post: async (url, request) => post(agent, url, request),
    close: () => agent.destroy(),
  };
}

/** What was checked is what is dialled; the certificate is still the host's. */
function lookupOf(addresses: Address[]): LookupFunction {
  return (_host, { all }, callback) => {
    if (all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  };
}

/** IPv6 without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

async function post(
  agent: Dispatcher,
  text: string,
  { headers, body, timeoutMs, answerBytesMax, signal }: OutboundRequest,
): Promise<OutboundResult> {
  const startedAt = performance.now();
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  try {
    const url = new URL(text);
    const requested = agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: "POST",
      headers,
      body,
      signal: ending.signal,
    });
    // Until it is connected, a request does not hear of its signal.
    const answer = await Promise.race([requested, ended(ending.signal)]);
    const retryAfter = answer.headers[PATIENCE_HEADER];
    return {
      status: answer.statusCode,
      retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
      answer: await firstBytes(answer.body, answerBytesMax),
      durationMs: Math.round(performance.now() - startedAt),
    };
  } catch (error) {
    const durationMs = Math.round(performance.now() - startedAt);
    return { status: null, error: ending.signal.aborted ? explainEnd(signal, timeoutMs) : explain(error), durationMs };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function firstBytes(body: Dispatcher.ResponseData["body"], bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the rest, and its connection.
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bytesMax);
}

function explainEnd(signal: AbortSignal | undefined, timeoutMs: number): string {
  return signal?.aborted ? "It was ended before there was an answer." : `No answer within ${timeoutMs / 1000} s.`;
}

function explain(error: unknown): string {
  if (error instanceof Refusal) return `The URL ${error.message}.`;
  const { code, message } = error as { code?: string; message?: string };
  return `There was no answer: ${code ?? message ?? "unknown"}.`;
}

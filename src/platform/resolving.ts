import { lookup, Resolver } from "node:dns/promises";

export interface Address {
  address: string;
  family: number;
}

/** Of the name servers, for one try. */
const TIMEOUT_MS = 1_000;
const TRIES = 2;
/** What they say of names that may yet be known on this machine: in its hosts file, or with its search domain. */
const UNKNOWN = new Set(["ENOTFOUND", "ENODATA", "EBADNAME", "ECONNREFUSED"]);

/**
 * Finds every address of hosts that strangers chose. Names are asked of the name servers directly: what the operating
 * system is asked takes one of the two threads that a process has for it, as long as a name server likes, and
 * nobody else connects to anything meanwhile. It is asked for what they do not know, one name at a time.
 * @param servers addresses of name servers; those of the operating system unless told otherwise
 */
export function createResolver(servers?: readonly string[]): (host: string) => Promise<Address[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const underWay = new Map<string, Promise<Address[]>>();
  let systemIsFree: Promise<unknown> = Promise.resolve();

  const askSystem = async (host: string): Promise<Address[]> => {
    const asked = systemIsFree.then(() => lookup(host, { all: true }));
    systemIsFree = asked.catch(() => undefined);
    return asked;
  };
  const resolve = async (host: string): Promise<Address[]> => {
    // A name without a domain is of this machine or its network.
    if (!host.replace(/\.$/, "").includes(".")) return askSystem(host);
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = found.flatMap((each, n) =>
      each.status === "fulfilled" ? each.value.map((address) => ({ address, family: n === 0 ? 4 : 6 })) : [],
    );
    if (addresses.length > 0) return addresses;
    const isUnknown = found.every((each) => each.status === "fulfilled" || UNKNOWN.has(codeOf(each.reason)));
    return isUnknown ? askSystem(host) : [];
  };

  return async (host) => {
    const asked = underWay.get(host) ?? resolve(host).finally(() => underWay.delete(host));
    underWay.set(host, asked);
    return asked;
  };
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

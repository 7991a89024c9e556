import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";

export interface Address {
  address: string;
  family: number;
}

/** Of the name servers, for one try. */
const TIMEOUT_MS = 1_000;
const TRIES = 2;
/** Of a name server that cannot, or will not, say anything of a name. */
const UNANSWERED = new Set(["ESERVFAIL", "EREFUSED"]);

/**
 * Finds every address of hosts that strangers chose, as the operating system would. Names are asked of the name servers
 * directly: what the operating system is asked takes one of the two threads that a process has for it, as long as a
 * name server likes, and nobody else connects to anything meanwhile. It is asked, one name at a time, for what stands in its
 * hosts file, and for what no name server knows; not where one said nothing.
 * @param servers addresses of name servers; those of the operating system unless told otherwise
 */
export function createResolver(servers?: readonly string[]): (host: string) => Promise<Address[]> {
  const underWay = new Map<string, Promise<Address[]>>();
  let systemIsFree: Promise<unknown> = Promise.resolve();

  const askSystem = async (host: string): Promise<Address[]> => {
    const asked = systemIsFree.then(() => lookup(host, { all: true }));
    systemIsFree = asked.catch(() => undefined);
    return asked;
  };
  const resolve = async (host: string): Promise<Address[]> => {
    if (await isInHostsFile(host)) return askSystem(host);
    let isKnown = true;
    for (const name of await namesOf(host)) {
      const found = await askServers(name, servers);
      if (found === "SILENT") return [];
      if (found === "UNANSWERED") isKnown = false;
      else if (found.length > 0) return found;
    }
    return isKnown ? askSystem(host) : [];
  };

  return async (host) => {
    const asked = underWay.get(host) ?? resolve(host).finally(() => underWay.delete(host));
    underWay.set(host, asked);
    return asked;
  };
}

async function askServers(
  name: string,
  servers: readonly string[] | undefined,
): Promise<Address[] | "SILENT" | "UNANSWERED"> {
  // Another one each time: it knows the name servers of the moment when it is made.
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = found.flatMap((each, n) =>
    each.status === "fulfilled" ? each.value.map((address) => ({ address, family: n === 0 ? 4 : 6 })) : [],
  );
  if (addresses.length > 0) return addresses;
  const codes = found.flatMap((each) => (each.status === "rejected" ? codeOf(each.reason) : []));
  if (codes.includes("ETIMEOUT")) return "SILENT";
  return codes.some((code) => UNANSWERED.has(code)) ? "UNANSWERED" : [];
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

async function isInHostsFile(host: string): Promise<boolean> {
  const lines = await linesOf("/etc/hosts");
  return lines.some(([, ...names]) => names.some((name) => name.toLowerCase() === host.toLowerCase()));
}

/** The names that are asked for, in this order: short ones first within the search domains, as `resolv.conf` says. */
async function namesOf(host: string): Promise<string[]> {
  if (host.endsWith(".")) return [host];
  const lines = await linesOf("/etc/resolv.conf");
  const domains = lines.findLast(([keyword]) => keyword === "search" || keyword === "domain")?.slice(1) ?? [];
  const options = lines.flatMap(([keyword, ...values]) => (keyword === "options" ? values : []));
  const dots = Number(options.findLast((option) => /^ndots:\d+$/.test(option))?.slice("ndots:".length) ?? 1);
  const within = domains.filter((domain) => domain !== ".").map((domain) => `${host}.${domain}`);
  return host.split(".").length - 1 >= dots ? [host, ...within] : [...within, host];
}

/** The words of each line. A system without such a file has none. */
async function linesOf(file: string): Promise<string[][]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .split(/\s+/)
      .filter((word) => word !== ""),
  );
}

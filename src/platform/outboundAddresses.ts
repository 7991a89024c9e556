import { BlockList, isIP } from "node:net";

/**
 * IPv4 that is not the open internet: the special-purpose registry of IANA (RFC 6890), multicast, the reserved
 * rest, and the address at which Azure answers its own machines, which looks public.
 */
const SPECIAL_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
/**
 * Of IPv6 only this is the open internet: everything that is local, mapped, compatible, NAT64 or multicast lies
 * outside of it.
 */
const GLOBAL_IPV6 = ["2000::/3"];
/** What lies inside and leads elsewhere: Teredo and other protocols, documentation, 6to4, the 6bone of old. */
const SPECIAL_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20"];

/**
 * @returns undefined where one is not an address, a slash and a length, apart by commas; nothing is no network. Neither
 * is an IPv6 network with all mapped addresses in it, like `::/0`: a BlockList would take all of IPv4 for listed
 */
export function readNetworks(text: string): BlockList | undefined {
  const list = new BlockList();
  for (const network of text.split(",").map((part) => part.trim())) {
    if (network === "") continue;
    const [, address = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(network) ?? [];
    const family = isIP(address);
    if (family === 0 || address.includes("%") || Number(length) > (family === 4 ? 32 : 128)) return undefined;
    if (family === 6 && Number(length) < MAPPED_LENGTH && holdsMapped(address, Number(length))) return undefined;
    list.addSubnet(address, Number(length), family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

/** IPv4 as IPv6 is `::ffff:0:0/96`. */
const MAPPED_LENGTH = 96;

function holdsMapped(address: string, length: number): boolean {
  const network = new BlockList();
  network.addSubnet(address, length, "ipv6");
  return network.check("::ffff:0:0", "ipv6");
}

function networks(list: readonly string[]): BlockList {
  const read = readNetworks(list.join());
  if (read === undefined) throw new Error(`not networks: ${list.join()}`);
  return read;
}

const special4 = networks(SPECIAL_IPV4);
const global6 = networks(GLOBAL_IPV6);
const special6 = networks(SPECIAL_IPV6);

/** Says whether the address is one of the open internet; what is no address is none. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special4.check(address, "ipv4");
  return isIP(address) === 6 && global6.check(address, "ipv6") && !special6.check(address, "ipv6");
}

/** Says whether the address is in one of these networks; what is no address is in none. */
export function isWithin(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
}

import { isIPv6 } from "node:net";

/**
 * What an address is counted by: itself for IPv4, written as IPv6 or not; of IPv6 its first 64 bits, because
 * whoever has one address there has all of its network. Anything else as it is.
 */
export function addressKey(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  if (address.includes(".")) return address.slice(address.lastIndexOf(":") + 1);
  const [head = "", tail] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return groups.slice(0, 4).join(":");
}

declare const addressBrand: unique symbol;
/**
 * Who is counted before anyone is known: an IPv4 address, or the first 64 bits of an IPv6 one,
 * because every subscriber has at least a /64 to choose addresses from.
 */
export type AddressKey = string & { readonly [addressBrand]: true };

/**
 * The key of an address in its textual form (RFC 4291 §2.2); an IPv4 address written as IPv6 is itself.
 * @returns null when the text is no address
 */
export function addressKey(ip: string): AddressKey | null {
  if (isIpv4(ip)) return ip as AddressKey;
  const groups = parseIpv6(ip);
  if (groups === null) return null;
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` as AddressKey;
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(":")}::/64` as AddressKey;
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** True for four decimal numbers up to 255 without leading zeros. */
export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

/** RFC 4291 §2.2: eight groups, one `::`, an IPv4 tail. Null: not an IPv6 address. */
export function parseIpv6(text: string): number[] | null {
  if (text.length > 45 || !/^[0-9a-fA-F:.]{2,45}$/.test(text)) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const left = parseGroups(halves[0] ?? "");
  const right = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 1) return missing === 0 ? left : null;
  return missing >= 1 ? [...left, ...new Array<number>(missing).fill(0), ...right] : null;
}

function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && isIpv4(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

import { isIpv4, parseIpv6 } from "../address-key.ts";

/** A range of addresses of one family, both ends included: what a CIDR prefix names (RFC 4632, RFC 4291 §2.3). */
export interface Network {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const widthOf = { 4: 32, 6: 128 } as const;
/** An IPv6 address in full with `/128`. */
const networkCharactersMax = 49;

/**
 * Parses an address or a prefix such as `203.0.113.0/24` or `2001:db8::/32`. An IPv4 address written as IPv6
 * is itself, so that nobody passes a list by writing his address otherwise.
 * @returns null when it is neither; also for a prefix with bits beyond its length, which is somebody's mistake
 */
export function parseNetwork(text: unknown): Network | null {
  if (typeof text !== "string" || text.length > networkCharactersMax) return null;
  const [, addressText = "", lengthText] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const address = parseAddress(addressText);
  if (address === null) return null;
  const width = widthOf[address.family];
  const written = lengthText === undefined ? address.writtenWidth : Number(lengthText);
  // `::ffff:203.0.113.0/120` is 203.0.113.0/24; a shorter prefix would hold more than IPv4.
  const length = written - (address.writtenWidth - width);
  if (length < 0 || length > width) return null;
  const network = prefixOf(address.family, address.bits, length);
  return network.first === address.bits ? network : null;
}

/** The network of `length` bits that an address lies in. */
function prefixOf(family: 4 | 6, bits: bigint, length: number): Network {
  const mask = (1n << BigInt(widthOf[family] - length)) - 1n;
  return { family, first: bits & ~mask, last: bits | mask };
}

function parseAddress(text: string): { family: 4 | 6; bits: bigint; writtenWidth: number } | null {
  if (isIpv4(text)) return { family: 4, bits: join(text.split(".").map(Number), 8n), writtenWidth: 32 };
  const groups = parseIpv6(text);
  if (groups === null) return null;
  const bits = join(groups, 16n);
  const mapped = bits >> 32n === 0xffffn;
  return mapped ? { family: 4, bits: bits & 0xffff_ffffn, writtenWidth: 128 } : { family: 6, bits, writtenWidth: 128 };
}

function join(parts: readonly number[], partBits: bigint): bigint {
  return parts.reduce((all, part) => (all << partBits) | BigInt(part), 0n);
}

/** True when all of `inner` lies in `outer`. */
export function contains(outer: Network, inner: Network): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** True when the two have an address in common. */
export function overlaps(one: Network, other: Network): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** Bits of an address that are kept where it must not name a household: what operators give out by themselves. */
const coarseBits = { 4: 24, 6: 48 } as const;

/**
 * The /24 or /48 that an address lies in, as text.
 * @returns null when the text is no address
 */
export function coarseNetwork(address: string): string | null {
  // Most addresses, and asked for with every request: without big numbers.
  if (isIpv4(address)) return `${address.slice(0, address.lastIndexOf("."))}.0/24`;
  const parsed = parseAddress(address);
  if (parsed === null) return null;
  const { family, bits } = parsed;
  const { first } = prefixOf(family, bits, coarseBits[family]);
  if (family === 4) {
    const bytes = [24n, 16n, 8n, 0n].map((shift) => Number((first >> shift) & 255n));
    return `${bytes.join(".")}/24`;
  }
  const groups = [112n, 96n, 80n].map((shift) => ((first >> shift) & 0xffffn).toString(16));
  return `${groups.join(":")}::/48`;
}

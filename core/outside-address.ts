/**
 * Which addresses a Worker may call because an administrator wrote them down. Somebody else chooses them, so
 * each could be aimed at what only the Worker reaches (server-side request forgery, ASVS 1.3.6, OWASP API7:2023).
 */

/** Longest address of an issuer, its endpoints or a key service: the longest seen in the wild are some 200 characters. */
export const addressCharactersMax = 512;

/** Names that never lead to the public internet (RFC 6761, 6762, 8375, 9476; `internal` is ICANN's private TLD). */
const privateSuffixes = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "home.arpa",
  "onion",
  "alt",
];

/**
 * Parses an address that somebody else chose: https on port 443 of a public name, without user information or
 * fragment. IP literals in any spelling, names of one label and private names are refused. The URL parser
 * has normalised the host by then (`0x7f.1` is `127.0.0.1`), and a name is judged as it will be asked for.
 * @param loopback origins that development lets through as they are; empty in production
 * @returns null when it may not be called
 */
export function parseOutsideAddress(text: unknown, loopback: ReadonlySet<string>): URL | null {
  if (typeof text !== "string" || text.length > addressCharactersMax) return null;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return null;
  if (loopback.has(url.origin)) return url;
  return url.protocol === "https:" && url.port === "" && isPublicName(url.hostname) ? url : null;
}

/** True for a name of two labels or more whose last is alphabetic and that is not known to be private. */
function isPublicName(host: string): boolean {
  // An IPv6 literal begins with a bracket, an IPv4 literal ends in a number; neither passes. A trailing dot
  // would be another spelling of the same name, past comparisons of issuers.
  if (!/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/.test(host)) return false;
  return !privateSuffixes.some((suffix) => host.endsWith(`.${suffix}`));
}

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Parses a list of exact origins on this machine's own loopback, for development. Anything else stops the
 * Worker: the setting can't be made to let a real network's inside through.
 * @param name of the setting, for the error
 * @throws Error naming the setting
 */
export function parseLoopbackOrigins(name: string, text: string): ReadonlySet<string> {
  const origins = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  for (const origin of origins) {
    const url = URL.parse(origin);
    if (url === null || url.origin !== origin || !loopbackHosts.has(url.hostname))
      throw new Error(`${name} is a list of origins on loopback, such as http://localhost:9000`);
  }
  return new Set(origins);
}

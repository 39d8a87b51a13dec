/**
 * Server Reference [MQTT 5.0, 4.11]: another address, named by the server. The agent would send its
 * token there, so whoever could forge one packet could collect tokens: only an address of the very
 * origin it was enrolled with is followed (same scheme, host and port, thus the same certificate).
 */

/** Real ones are one short address; a list is cut here. */
const referencesMax = 8;

/**
 * @param home the address from enrolment
 * @param reference addresses separated by spaces; a path alone is one on the same origin
 * @returns the first that may be followed, or null
 */
export function sameOriginReference(home: string, reference: string): string | null {
  const base = new URL(home);
  for (const candidate of reference.split(" ").slice(0, referencesMax)) {
    // "host:port" parses as a scheme: its origin is none, so it is no match.
    if (candidate === "" || !URL.canParse(candidate, base.href)) continue;
    const url = new URL(candidate, base.href);
    const sameOrigin = url.protocol === base.protocol && url.host === base.host;
    if (sameOrigin && url.username === "" && url.password === "") return url.href;
  }
  return null;
}

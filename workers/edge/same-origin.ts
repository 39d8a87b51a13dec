/**
 * Where a browser says a request comes from. Cookies travel by themselves, so what a cookie pays
 * for must prove that a page of ours asked for it (ASVS 3.5.1, 4.4.2).
 */

/** A browser sends `Origin` with every write and every WebSocket upgrade; no proof is no. */
export function provesOwnOrigin(headers: Headers, origin: string): boolean {
  return headers.get("Origin") === origin && !fetchedFromElsewhere(headers);
}

/** Some other site's page asked. Programs send neither field and are not concerned. */
export function comesFromElsewhere(headers: Headers, origin: string): boolean {
  const stated = headers.get("Origin");
  return (stated !== null && stated !== origin) || fetchedFromElsewhere(headers);
}

function fetchedFromElsewhere(headers: Headers): boolean {
  const site = headers.get("Sec-Fetch-Site");
  return site !== null && site !== "same-origin";
}

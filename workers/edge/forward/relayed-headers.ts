/**
 * What of an inner Worker's answer a client gets. The strict headers are the edge's own; whatever is not
 * listed (a framework's name, an inward header, a cookie) does not leave.
 */
const relayed = [
  "Accept-Ranges",
  "Allow",
  "Content-Disposition",
  "Content-Range",
  "Content-Type",
  "ETag",
  "Idempotency-Replayed",
  "Last-Modified",
  "Link",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
];

export function relayedHeaders(from: Headers): Headers {
  const headers = new Headers();
  for (const name of relayed) {
    const value = from.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

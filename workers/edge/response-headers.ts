/** The strict headers of every answer. */

/**
 * Features of the browser that no page needs; one that needs one takes it out of this list. Making and using
 * passkeys is not among them: their default is this origin alone, and no frame of it can exist.
 */
const deniedFeatures = [
  "accelerometer",
  "autoplay",
  "browsing-topics",
  "camera",
  "display-capture",
  "encrypted-media",
  "fullscreen",
  "gamepad",
  "geolocation",
  "gyroscope",
  "hid",
  "identity-credentials-get",
  "idle-detection",
  "interest-cohort",
  "local-fonts",
  "magnetometer",
  "microphone",
  "midi",
  "otp-credentials",
  "payment",
  "picture-in-picture",
  "screen-wake-lock",
  "serial",
  "storage-access",
  "sync-xhr",
  "usb",
  "window-management",
  "xr-spatial-tracking",
];

const always: Readonly<Record<string, string>> = {
  // Two years, as preload lists ask. Browsers ignore it over plain http, so a local run is unharmed.
  "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  // For browsers that do not know frame-ancestors.
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Permissions-Policy": deniedFeatures.map((feature) => `${feature}=()`).join(", "),
};

/** An API answer renders nothing: a document's content that a browser showed all the same would be of no origin and run nothing. */
const apiContentPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";

/**
 * A page loads its own scripts, styles, images and fonts and talks to its own origin: no inline script or
 * style, no other host. `ws:` stands beside 'self' because not every browser counts it as the same origin.
 */
export function pageContentPolicy(origin: string): string {
  const { protocol, host } = new URL(origin);
  // The host is the client's word; one that could end the directive is left out.
  const socket = /^[A-Za-z0-9.:[\]-]{1,260}$/.test(host) ? ` ${protocol === "https:" ? "wss" : "ws"}://${host}` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${socket}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/**
 * Sets them on an answer that is being built.
 * @param page the request's own origin when the answer is a page or a file of one, null for the API
 */
export function setStrictHeaders(headers: Headers, requestId: string, page: string | null): void {
  const kept = headers.get("Cache-Control");
  for (const [name, value] of Object.entries(strictHeaders(requestId, page))) headers.set(name, value);
  if (kept !== null) headers.set("Cache-Control", kept);
}

/**
 * The same for an answer that is made at once: a header in a record costs a fraction of one that is set. Nothing of
 * it may be stored.
 */
export function strictHeaders(requestId: string, page: string | null): Record<string, string> {
  return {
    ...always,
    "Content-Security-Policy": page === null ? apiContentPolicy : pageContentPolicy(page),
    "X-Request-Id": requestId,
    "Cache-Control": "no-store",
  };
}

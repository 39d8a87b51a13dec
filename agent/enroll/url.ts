/** Where `enroll` may send a code. */

/** True for names and addresses that never leave this machine (RFC 6761 section 6.3, RFC 1122, RFC 4291). */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  return hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

export type ServerUrl =
  | { readonly kind: "ok"; readonly origin: string }
  | { readonly kind: "refused"; readonly code: "invalid_url" | "https_required"; readonly detail: string };

/** An origin: https, or http on this machine; no path, no credentials. */
export function parseServerUrl(text: string): ServerUrl {
  if (!URL.canParse(text))
    return { kind: "refused", code: "invalid_url", detail: "--url needs an address such as https://sentinel.example" };
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { kind: "refused", code: "invalid_url", detail: "--url begins with https://" };
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    return { kind: "refused", code: "invalid_url", detail: "--url is scheme, host and port alone" };
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    return {
      kind: "refused",
      code: "https_required",
      detail: "a code in the clear can be stolen: use https:// (http:// is for this machine alone)",
    };
  }
  return { kind: "ok", origin: url.origin };
}

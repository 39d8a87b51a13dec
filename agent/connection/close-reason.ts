/** Why a connection ended or never came to be. */
export type CloseReason =
  /** CONNACK 4 or 5 [MQTT 3.1.1 table 3.1]: the token was revoked or rotated, or the device removed. */
  | { readonly kind: "credentials_refused"; readonly returnCode: number }
  /** Another CONNACK refusal. */
  | { readonly kind: "connect_refused"; readonly returnCode: number }
  /** The WebSocket upgrade was answered with an HTTP error. */
  | { readonly kind: "upgrade_refused"; readonly status: number }
  /** Name, route, TLS, proxy: no connection. */
  | { readonly kind: "unreachable"; readonly code: string; readonly detail: string }
  /** It was there and is gone. */
  | { readonly kind: "lost" }
  /** We ended it. */
  | { readonly kind: "ended" };

/** True when trying again soon can't help. */
export function isFinalRefusal(reason: CloseReason): boolean {
  if (reason.kind === "credentials_refused") return true;
  // 429 and 5xx pass by themselves; 401, 403 (country, TLS) and 404 (no such organisation) don't.
  return reason.kind === "upgrade_refused" && [401, 403, 404, 426].includes(reason.status);
}

/** For the log and for `status`: a stable code, and what it means or what to do. */
export function explainClose(reason: CloseReason): { readonly code: string; readonly detail: string } {
  switch (reason.kind) {
    case "credentials_refused":
      return {
        code: reason.kind,
        detail: `the server refuses this device (CONNACK ${reason.returnCode}): its token was revoked or replaced; enrol again with --force`,
      };
    case "connect_refused":
      return { code: reason.kind, detail: `the server refused the connection (CONNACK ${reason.returnCode})` };
    case "upgrade_refused":
      return {
        code: reason.kind,
        detail: `the server answered HTTP ${reason.status}${reason.status === 403 ? ": this country or TLS version is not allowed" : ""}`,
      };
    case "unreachable":
      return { code: reason.kind, detail: `${reason.code}: ${reason.detail}` };
    case "lost":
      return { code: "connection_lost", detail: "the connection ended" };
    case "ended":
      return { code: "ended", detail: "the agent stopped" };
  }
}

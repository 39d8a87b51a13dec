/** Why a connection ended or never came to be. `said` is the server's own word (`sayWord`). */
export type CloseReason =
  /** CONNACK: the token was revoked or rotated, or the device removed. */
  | { readonly kind: "credentials_refused"; readonly said: string }
  /** CONNACK: not now. */
  | { readonly kind: "server_busy"; readonly said: string; readonly retryAfterMs: number | null }
  /** Another CONNACK refusal. */
  | { readonly kind: "connect_refused"; readonly said: string; readonly retryAfterMs: number | null }
  /** CONNACK: the server doesn't speak 5.0. */
  | { readonly kind: "version_refused"; readonly said: string }
  /** CONNACK or DISCONNECT named another address of the same origin. */
  | { readonly kind: "redirected"; readonly url: string; readonly lasting: boolean }
  /** It named none that may be followed. */
  | { readonly kind: "redirect_refused"; readonly reference: string }
  /** DISCONNECT from the server. */
  | { readonly kind: "disconnected"; readonly said: string; readonly retryAfterMs: number | null }
  /** The WebSocket upgrade was answered with an HTTP error. */
  | { readonly kind: "upgrade_refused"; readonly status: number }
  /** Name, route, TLS, proxy: no connection. */
  | { readonly kind: "unreachable"; readonly code: string; readonly detail: string }
  /** It was there and is gone. */
  | { readonly kind: "lost"; readonly detail: string | null }
  /** We ended it. */
  | { readonly kind: "ended" };

/** True when trying again soon can't help. */
export function isFinalRefusal(reason: CloseReason): boolean {
  if (reason.kind === "credentials_refused" || reason.kind === "redirect_refused") return true;
  // 429 and 5xx pass by themselves; 401, 403 (country, TLS) and 404 (no such organisation) don't.
  return reason.kind === "upgrade_refused" && [401, 403, 404, 426].includes(reason.status);
}

/** How long the server asked to be left alone, in milliseconds, or null. */
export function retryAfterOf(reason: CloseReason): number | null {
  switch (reason.kind) {
    case "server_busy":
    case "connect_refused":
    case "disconnected":
      return reason.retryAfterMs;
    default:
      return null;
  }
}

/** For the log and for `status`: a stable code, and what it means or what to do. */
export function explainClose(reason: CloseReason): { readonly code: string; readonly detail: string } {
  switch (reason.kind) {
    case "credentials_refused":
      return {
        code: reason.kind,
        detail: `the server refuses this device (${reason.said}): its token was revoked or replaced; enrol again with --force`,
      };
    case "server_busy":
      return { code: reason.kind, detail: `the server has no room at the moment (${reason.said})` };
    case "connect_refused":
      return { code: reason.kind, detail: `the server refused the connection (${reason.said})` };
    case "version_refused":
      return { code: reason.kind, detail: `the server doesn't speak MQTT 5.0 (${reason.said}): trying 3.1.1` };
    case "redirected":
      return { code: reason.kind, detail: `the server named another address: ${reason.url}` };
    case "redirect_refused":
      return {
        code: reason.kind,
        detail: `the server sends this device to another host (${reason.reference || "none named"}), where its token must not go; if that is right, enrol again there with --force`,
      };
    case "disconnected":
      return { code: "server_disconnected", detail: `the server ended the connection (${reason.said})` };
    case "upgrade_refused":
      return {
        code: reason.kind,
        detail: `the server answered HTTP ${reason.status}${reason.status === 403 ? ": this country or TLS version is not allowed" : ""}`,
      };
    case "unreachable":
      return { code: reason.kind, detail: `${reason.code}: ${reason.detail}` };
    case "lost":
      return {
        code: "connection_lost",
        detail: `the connection ended${reason.detail === null ? "" : `: ${reason.detail}`}`,
      };
    case "ended":
      return { code: "ended", detail: "the agent stopped" };
  }
}

/** What the server's CONNACK, DISCONNECT and PUBACK mean to this agent. Pure. */
import { reasonCodes } from "../../core/mqtt/reason-codes.ts";
import type { CloseReason } from "./close-reason.ts";
import type { ProtocolVersion } from "./route.ts";
import { sameOriginReference } from "./server-reference.ts";

/** A reason code and what came with it. */
export interface ServerWord {
  /** 5.0: reason code; 3.1.1: CONNACK return code. */
  readonly code: number;
  readonly reasonString: string | null;
  readonly serverReference: string | null;
}

/** What became of a PUBLISH. */
export type PublishOutcome =
  | { readonly kind: "arrived" }
  /** Not now: the same message may well be taken later. */
  | { readonly kind: "later"; readonly said: string; readonly retryAfterMs: number | null }
  /** Never: this message, sent again, would be refused again. */
  | { readonly kind: "refused"; readonly said: string };

/** A server may ask for an hour's patience; a slip of its pen must not silence a school for a year. */
export const retryAfterMsMax = 3600_000;

const credentialCodes: ReadonlySet<number> = new Set([
  reasonCodes.bad_user_name_or_password,
  reasonCodes.not_authorized,
  reasonCodes.banned,
  reasonCodes.bad_authentication_method,
]);
const busyCodes: ReadonlySet<number> = new Set([
  reasonCodes.server_unavailable,
  reasonCodes.server_busy,
  reasonCodes.quota_exceeded,
  reasonCodes.connection_rate_exceeded,
]);
/** Refusals of the message itself. Every other code from 0x80 on speaks of the server's state. */
const hopelessCodes: ReadonlySet<number> = new Set([
  reasonCodes.not_authorized,
  reasonCodes.topic_name_invalid,
  reasonCodes.packet_too_large,
  reasonCodes.payload_format_invalid,
]);
const redirectCodes: ReadonlySet<number> = new Set([reasonCodes.use_another_server, reasonCodes.server_moved]);

/**
 * A refused CONNECT.
 * @param version what CONNECT asked for
 * @param home the address from enrolment
 */
export function judgeConnack(word: ServerWord, version: ProtocolVersion, home: string): CloseReason {
  if (version === 4) return judgeReturnCode(word.code);
  const said = sayWord("CONNACK", word);
  // 0x01 is the return code of a server that has never heard of 5.0 [MQTT-3.1.2-2 of 3.1.1].
  if (word.code === reasonCodes.unsupported_protocol_version || word.code === 0x01)
    return { kind: "version_refused", said };
  if (credentialCodes.has(word.code)) return { kind: "credentials_refused", said };
  if (redirectCodes.has(word.code)) return judgeRedirect(word, home);
  const retryAfterMs = parseRetryAfter(word.reasonString);
  return { kind: busyCodes.has(word.code) ? "server_busy" : "connect_refused", said, retryAfterMs };
}

/** Table 3.1 of MQTT 3.1.1. */
function judgeReturnCode(returnCode: number): CloseReason {
  const said = `CONNACK ${returnCode}`;
  if (returnCode === 4 || returnCode === 5) return { kind: "credentials_refused", said };
  return { kind: returnCode === 3 ? "server_busy" : "connect_refused", said, retryAfterMs: null };
}

/** A DISCONNECT from the server (5.0 alone has it). */
export function judgeDisconnect(word: ServerWord, home: string): CloseReason {
  if (redirectCodes.has(word.code)) return judgeRedirect(word, home);
  return {
    kind: "disconnected",
    said: sayWord("DISCONNECT", word),
    retryAfterMs: parseRetryAfter(word.reasonString),
  };
}

function judgeRedirect(word: ServerWord, home: string): CloseReason {
  const url = word.serverReference === null ? null : sameOriginReference(home, word.serverReference);
  if (url !== null) return { kind: "redirected", url, lasting: word.code === reasonCodes.server_moved };
  return { kind: "redirect_refused", reference: plainText(word.serverReference ?? "") };
}

export function judgePuback(word: ServerWord): PublishOutcome {
  if (word.code < 0x80) return { kind: "arrived" };
  const said = sayWord("PUBACK", word);
  if (hopelessCodes.has(word.code)) return { kind: "refused", said };
  return { kind: "later", said, retryAfterMs: parseRetryAfter(word.reasonString) };
}

/** `retry after N s` in a reason string. @returns milliseconds, at most `retryAfterMsMax`, or null */
export function parseRetryAfter(reasonString: string | null): number | null {
  const seconds = /\bretry after (\d{1,9}) s\b/.exec(reasonString ?? "")?.[1];
  return seconds === undefined ? null : Math.min(retryAfterMsMax, Number(seconds) * 1000);
}

/** For logs and `status`: `CONNACK 0x97 quota exceeded: 32 sessions are connected`. */
export function sayWord(packet: string, { code, reasonString }: ServerWord): string {
  // Below 0x80 a code means something else in each packet; none of them is a refusal in 5.0.
  const known = code < 0x80 ? undefined : Object.entries(reasonCodes).find(([, value]) => value === code);
  const name = known === undefined ? "" : ` ${known[0].replaceAll("_", " ")}`;
  const text = reasonString === null || reasonString === "" ? "" : `: ${plainText(reasonString)}`;
  return `${packet} 0x${code.toString(16).padStart(2, "0")}${name}${text}`;
}

/** A peer's text reaches a terminal through `status`: no control characters, and not much of it. */
export function plainText(text: string): string {
  return text.replace(/\p{C}/gu, "").slice(0, 200);
}

import type { Packet } from "mqtt";
import { reasonCodes } from "../../../../core/mqtt/reason-codes.ts";

/** What the server said when it refused or ended the connection. */
export interface ServerReason {
  /** For the page: the reason code's name and, where there is one, the reason string. */
  readonly text: string;
  /** How long the server asked to be left alone, in milliseconds, or null. */
  readonly retryAfterMs: number | null;
}

/** A page is left open for hours, not for days. */
const retryAfterMsMax = 3600_000;
const textCharactersMax = 200;

/** Reads a refusing CONNACK or a DISCONNECT [MQTT 5.0, 3.2.2.2 and 3.14.2.1]; null for any other packet. */
export function serverReason(packet: Packet): ServerReason | null {
  if (packet.cmd !== "connack" && packet.cmd !== "disconnect") return null;
  const code = packet.reasonCode ?? 0;
  if (packet.cmd === "connack" && code === 0) return null;
  const name = Object.entries(reasonCodes).find(([, value]) => value === code)?.[0] ?? `reason ${code}`;
  // The codec makes an array of a property that came twice.
  const said: unknown = packet.properties?.reasonString;
  const reasonString = typeof said === "string" ? said.slice(0, textCharactersMax) : "";
  const seconds = /\bretry after (\d{1,9}) s\b/.exec(reasonString)?.[1];
  return {
    text: reasonString === "" ? name.replaceAll("_", " ") : `${name.replaceAll("_", " ")}: ${reasonString}`,
    retryAfterMs: seconds === undefined ? null : Math.min(retryAfterMsMax, Number(seconds) * 1000),
  };
}

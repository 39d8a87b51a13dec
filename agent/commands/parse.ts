/** Reading a command off the wire. Everything in it is somebody else's until it passed here. Pure. */
import { clockSkewSecondsMax } from "../../core/limits.ts";
import {
  type DeviceCommand,
  type DeviceCommandName,
  type DeviceReply,
  deviceCommandNames,
  isRfc3339Utc,
} from "../../core/telemetry.ts";

/** A command is a name and a few arguments. */
export const commandBytesMax = 16 * 1024;

/** An id becomes a topic level, so it must not hold `/`, `+` or `#`. */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

export type ParsedCommand =
  | {
      readonly kind: "command";
      readonly id: string;
      readonly name: DeviceCommandName;
      readonly args: Readonly<Record<string, unknown>>;
    }
  /** Whom to answer is known, so it is answered. */
  | { readonly kind: "refused"; readonly id: string; readonly code: RefusalCode; readonly detail: string }
  /** There is nobody to answer. */
  | { readonly kind: "ignored"; readonly code: "malformed_command" };

export type RefusalCode = "invalid_command" | "unknown_command" | "expired";

export function parseCommand(payload: Uint8Array, nowMs: number): ParsedCommand {
  const json = payload.length > commandBytesMax ? null : parseJson(payload);
  if (json === null || typeof json["id"] !== "string" || !idPattern.test(json["id"])) {
    return { kind: "ignored", code: "malformed_command" };
  }
  const id = json["id"];
  const refuse = (code: RefusalCode, detail: string): ParsedCommand => ({ kind: "refused", id, code, detail });
  const command = checkFields(json, id);
  if (command === null) return refuse("invalid_command", "a command is {id, name, args, issued_at, expires_at}");
  // The device's clock may be a little fast; a command is not dead for that.
  if (Date.parse(command.expires_at) + clockSkewSecondsMax * 1000 < nowMs) {
    return refuse("expired", "it arrived after its expires_at, by this device's clock");
  }
  const name = deviceCommandNames.find((known) => known === command.name);
  if (name === undefined) return refuse("unknown_command", `this agent knows ${deviceCommandNames.join(", ")}`);
  // Neither takes any; an argument that is silently ignored would be a promise broken.
  if (Object.keys(command.args).length > 0) return refuse("invalid_command", `${name} takes no arguments`);
  return { kind: "command", id, name, args: command.args };
}

export function refusalReply(id: string, code: string, detail: string): DeviceReply {
  return { id, ok: false, error: { code, detail } };
}

function checkFields(json: Readonly<Record<string, unknown>>, id: string): DeviceCommand | null {
  const { name, args, issued_at: issuedAt, expires_at: expiresAt } = json as Record<string, unknown>;
  if (typeof name !== "string" || name.length === 0 || name.length > 64) return null;
  if (typeof args !== "object" || args === null || Array.isArray(args)) return null;
  if (typeof issuedAt !== "string" || !isRfc3339Utc(issuedAt)) return null;
  if (typeof expiresAt !== "string" || !isRfc3339Utc(expiresAt)) return null;
  return { id, name, args: args as Readonly<Record<string, unknown>>, issued_at: issuedAt, expires_at: expiresAt };
}

function parseJson(payload: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

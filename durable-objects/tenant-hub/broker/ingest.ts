import { parseId } from "../../../core/ids.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { type DeviceReply, parseTelemetry } from "../../../core/telemetry.ts";
import type { DeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { replyBytesMax, replyDepthMax } from "./limits.ts";

/** What of a device's message goes to Postgres; null when it is relayed only. */
export function ingestRecord(topic: DeviceTopic, payload: Uint8Array, now: number): IngestRecord | null {
  const [name, id] = topic.rest;
  if (name === "telemetry" && topic.rest.length === 1) {
    const sample = parseTelemetry(payload);
    if (sample === null) return null;
    const { at, metrics } = sample;
    const receivedAt = new Date(now).toISOString();
    return { kind: "telemetry", device: topic.device, sampleId: sample.id, at, receivedAt, metrics };
  }
  if (name === "replies" && topic.rest.length === 2) {
    const reply = parseReply(payload);
    if (reply === null || reply.id !== id) return null;
    return { kind: "reply", device: topic.device, receivedAt: new Date(now).toISOString(), reply };
  }
  return null;
}

/** Parses the body of `…/replies/{command_id}`; null when it is not a reply. */
export function parseReply(payload: Uint8Array): DeviceReply | null {
  if (payload.length === 0 || payload.length > replyBytesMax) return null;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    return null;
  }
  if (!isRecord(json)) return null;
  const id = parseId("command", json["id"]);
  if (id === null) return null;
  if (!isStorable(json, 0)) return null;
  const { ok, result, error } = json;
  if (ok === true && isRecord(result)) return { id, ok, result };
  if (ok !== false || !isRecord(error)) return null;
  const { code, detail } = error;
  if (typeof code !== "string" || !/^[a-z][a-z0-9_]{0,63}$/.test(code)) return null;
  if (typeof detail !== "string" || detail.length > 2000 || !detail.isWellFormed()) return null;
  return { id, ok, error: { code, detail } };
}

/**
 * False for what could hold up the outbox, and with it every device of the tenant: U+0000, which is valid
 * JSON and no valid Postgres text, and nesting that serialising on the way there could not follow.
 */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === "string") return !value.includes("\0");
  if (typeof value !== "object" || value === null) return true;
  if (depth >= replyDepthMax) return false;
  return Object.entries(value).every(([key, inner]) => !key.includes("\0") && isStorable(inner, depth + 1));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

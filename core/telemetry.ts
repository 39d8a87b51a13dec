/**
 * One reading of a device. Metrics are a flat table of numbers, so that a new one needs no
 * migration; a name ends in its unit (`cpu_percent`, `memory_used_bytes`, `uptime_seconds`).
 */
export interface TelemetrySample {
  /** Made by the device, unique per device; a sample sent twice is stored once. */
  readonly id: string;
  /** When it was read, RFC 3339 UTC by the device's clock (never authoritative). */
  readonly at: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Metrics in one sample: 64 names of 64 characters stay under 8 KiB of JSON. */
export const telemetryMetricsMax = 64;
export const telemetryBytesMax = 16 * 1024;

/** Parses an MQTT payload into a sample; null when it is not one (it is then relayed but not stored). */
export function parseTelemetry(payload: Uint8Array): TelemetrySample | null {
  if (payload.length === 0 || payload.length > telemetryBytesMax) return null;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const { id, at, metrics } = json as Record<string, unknown>;
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return null;
  if (typeof at !== "string" || !isRfc3339Utc(at)) return null;
  if (typeof metrics !== "object" || metrics === null || Array.isArray(metrics)) return null;
  const entries = Object.entries(metrics);
  if (entries.length === 0 || entries.length > telemetryMetricsMax) return null;
  const checked: Record<string, number> = {};
  for (const [name, value] of entries) {
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name) || typeof value !== "number" || !Number.isFinite(value)) return null;
    checked[name] = value;
  }
  return { id, at, metrics: checked };
}

/** True for an RFC 3339 instant in UTC (`…Z`) that exists in the calendar. */
export function isRfc3339Utc(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/.test(text)) return false;
  return Number.isFinite(Date.parse(text));
}

/** The body of a message on `…/commands`. */
export interface DeviceCommand {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly issued_at: string;
  readonly expires_at: string;
}

/** The body of a message on `…/replies/{command_id}`. */
export type DeviceReply =
  | { readonly id: string; readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly id: string; readonly ok: false; readonly error: { readonly code: string; readonly detail: string } };

/** The commands an agent knows; it refuses any other by `unknown_command`. */
export const deviceCommandNames = ["ping", "inventory"] as const;
export type DeviceCommandName = (typeof deviceCommandNames)[number];

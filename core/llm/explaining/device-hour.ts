/** What a model is told of a device's last hour. Names, metrics and replies are the device's own words. */
import type { Command, Device, Telemetry } from "../../rpc/capabilities.ts";
import { telemetryMetricsMax } from "../../telemetry.ts";
import { plainLine } from "./plain-text.ts";
import type { SourceRecord } from "./prompt.ts";

export const hourMs = 3_600_000;
/** Five minutes: twelve means show an hour's course. */
export const hourStepSeconds = 300;
/** Its newest commands, of whatever hour: the last one may be why. */
export const hourCommandsMax = 20;

/** Characters of what a device says of itself, or replies. */
const wordsMax = 300;
/** Significant digits of a mean. Written with an exponent, no large number reads as somebody's telephone. */
const digits = 4;

export function deviceHour(device: Device, telemetry: Telemetry, commands: readonly Command[]): SourceRecord[] {
  const { id, name, platform, online, enrolledAt, lastSeenAt } = device;
  return [
    {
      source: { kind: "device", device: id },
      data: {
        device: plainLine(name, wordsMax),
        platform: plainLine(platform, wordsMax),
        online,
        enrolledAt,
        lastSeenAt,
      },
    },
    ...metricRecords(id, telemetry),
    ...commands.map((command) => commandRecord(id, command)),
  ];
}

function metricRecords(device: string, { from, to, buckets }: Telemetry): SourceRecord[] {
  const names = [...new Set(buckets.flatMap(({ metrics }) => Object.keys(metrics)))].slice(0, telemetryMetricsMax);
  const source = { kind: "telemetry", device, from, to } as const;
  if (names.length === 0) return [{ source, data: { telemetry: "none in this hour", from, to } }];
  return names.map((metric) => ({
    source,
    data: { metric, from, to, means: buckets.map(({ metrics }) => meanOf(metrics[metric])) },
  }));
}

const meanOf = (value: number | undefined): string | null =>
  value === undefined || !Number.isFinite(value) ? null : value.toExponential(digits - 1);

function commandRecord(device: string, { id, name, issuedAt, reply, repliedAt }: Command): SourceRecord {
  const replied =
    reply === null
      ? "no reply yet"
      : reply.ok
        ? { ok: true, result: plainLine(JSON.stringify(reply.result), wordsMax) }
        : { ok: false, error: plainLine(`${reply.error.code}: ${reply.error.detail}`, wordsMax) };
  return {
    source: { kind: "command", device, command: id, name },
    data: { command: name, issuedAt, repliedAt, replied },
  };
}

/** What must be true of Postgres after any number of kills. Each returns the first thing that is not. */
import type { StoredEvent, StoredSample } from "../database.ts";
import type { AnsweredRequest } from "./api-load.ts";

export interface PublishedSamples {
  readonly id: string;
  readonly sent: readonly string[];
  readonly acknowledged: ReadonlySet<string>;
}

/** Every acknowledged sample once, nothing that was never sent, and in the order of publication. */
export function checkSamples(devices: readonly PublishedSamples[], stored: readonly StoredSample[]): string | null {
  const known = new Set(devices.map((device) => device.id));
  const stranger = stored.find((row) => !known.has(row.device_id));
  if (stranger !== undefined) return `a sample of ${stranger.device_id}, which published nothing`;
  for (const device of devices) {
    const own = stored.filter((row) => row.device_id === device.id);
    const problem = checkDevice(device, own);
    if (problem !== null) return `${device.id}: ${problem}`;
  }
  return null;
}

function checkDevice(device: PublishedSamples, own: readonly StoredSample[]): string | null {
  const receivedMs = new Map<string, number>();
  for (const { sample_id, received_ms } of own) {
    if (receivedMs.has(sample_id)) return `${sample_id} is stored twice`;
    receivedMs.set(sample_id, Number(received_ms));
  }
  const sent = new Set(device.sent);
  for (const id of receivedMs.keys()) if (!sent.has(id)) return `${id} was never sent`;
  let before: { id: string; ms: number } | null = null;
  for (const id of device.sent) {
    const ms = receivedMs.get(id);
    if (ms === undefined) {
      if (device.acknowledged.has(id)) return `${id} was acknowledged and is not stored`;
      continue;
    }
    if (before !== null && ms < before.ms) return `${id} was received before ${before.id}, which was sent earlier`;
    before = { id, ms };
  }
  return null;
}

/** Sequence numbers from 1 without a gap, every intent with one outcome, every answer in the log as it was given. */
export function checkAudit(events: readonly StoredEvent[], answered: readonly AnsweredRequest[]): string | null {
  for (const [index, { seq }] of events.entries()) {
    if (seq !== index + 1) return `sequence number ${index + 1} is missing or there twice (found ${seq})`;
  }
  const outcomes = new Map<number, StoredEvent>();
  for (const event of events) {
    if (event.phase !== "outcome" || event.intent_seq === null) continue;
    if (outcomes.has(event.intent_seq)) return `intent ${event.intent_seq} has two outcomes`;
    outcomes.set(event.intent_seq, event);
  }
  const open = events.find((event) => event.phase === "intent" && !outcomes.has(event.seq));
  if (open !== undefined) return `intent ${open.seq} has no outcome`;
  const byRequest = new Map<string, StoredEvent[]>();
  for (const event of events) byRequest.set(event.request_id, [...(byRequest.get(event.request_id) ?? []), event]);
  for (const request of answered) {
    // A 5xx says that the work may not have begun; whatever was begun is judged above.
    if (request.status >= 500) continue;
    const own = byRequest.get(request.id) ?? [];
    const last = own.find((event) => event.phase === (request.method === "GET" ? "event" : "outcome"));
    if (last === undefined) return `${request.id} was answered by ${request.status} and is not in the log`;
    if (last.status !== request.status)
      return `${request.id} was answered by ${request.status}, the log says ${last.status} (${last.result})`;
  }
  return null;
}

import type { AuditEntry } from "../../../../core/audit/events.ts";
import { batchBody, batchEntriesMax, batchLength, type SeqRange } from "../../../../core/audit/stream/batch.ts";
import { giveUpMs, judge, retryWaitMs, type Sent, type StreamVerdict } from "../../../../core/audit/stream/verdict.ts";
import { webhookHeaders } from "../../../../core/crypto/webhook-signature.ts";
import {
  beginMessage,
  type ClaimedStream,
  forgetDeadLetter,
  keepDeadLetter,
  noteDead,
  noteFailure,
  noteStopped,
  noteTaken,
  releaseStream,
} from "../../../../store/control/audit-stream-runs.ts";
import { fromPart } from "../../downstream.ts";
import type { Services } from "../../services.ts";
import { openStreamSecrets } from "./secrets.ts";

/** No message is begun later than this in one turn, in milliseconds: others are due too, and a claim has its end. */
export const turnMsMax = 45_000;
/** A stream that has sent everything is looked at again after so long, in milliseconds: at the clock's next visit. */
export const idleMs = 30_000;

/**
 * One turn of a stream that was claimed: what somebody wants sent again, and then message after message until the
 * destination has all there is, fails, or the turn is over. The message under way is settled before it is sent and
 * the cursor moves after it was taken, so a death at any point sends the same message again under the same id, and
 * none is skipped.
 */
export async function runStreamTurn(services: Services, claimed: ClaimedStream): Promise<void> {
  const endsAtMs = services.now() + turnMsMax;
  const secrets = await openStreamSecrets(services, claimed.id, claimed.sealed);
  const send = (range: SeqRange, entries: readonly AuditEntry[]) =>
    sendMessage(services, claimed, secrets, range, entries);
  if (!(await resend(services, claimed, send, endsAtMs))) return;
  if (claimed.stopped) return await releaseStream(services.database, claimed, services.now() + idleMs);
  let stream: ClaimedStream = claimed;
  while (services.now() < endsAtMs) {
    const range = await nextMessage(services, stream);
    if (range === "none") return await releaseStream(services.database, stream, services.now() + idleMs);
    if (range === "lost") return;
    const { entries, ...bounds } = range;
    const sent = await send(bounds, entries);
    const next = await settle(services, stream, bounds, sent);
    if (next === null) return;
    stream = next;
  }
  await releaseStream(services.database, stream, services.now());
}

type Send = (range: SeqRange, entries: readonly AuditEntry[]) => Promise<Sent>;

/** Sends again what somebody wants sent again, until one is not taken. @returns false: the turn is over */
async function resend(services: Services, stream: ClaimedStream, send: Send, endsAtMs: number): Promise<boolean> {
  for (const { first, last } of stream.queued) {
    if (services.now() >= endsAtMs) break;
    const range = { first, last };
    const sent = await send(range, await entriesAfter(services, stream, first - 1, last - first + 1));
    const verdict = judge(sent);
    if (verdict.kind === "taken") {
      await forgetDeadLetter(services.database, stream, range);
      continue;
    }
    const { failure } = verdict;
    await keepDeadLetter(services.database, stream, range, { failure, status: sent.status, nowMs: services.now() });
    break;
  }
  return true;
}

/** The message to send: the one under way, else the next. `lost`: the claim is another's. */
async function nextMessage(
  services: Services,
  stream: ClaimedStream,
): Promise<(SeqRange & { readonly entries: readonly AuditEntry[] }) | "none" | "lost"> {
  const { deliveredSeq, sendingSeq } = stream;
  const first = deliveredSeq + 1;
  if (sendingSeq !== null) {
    return {
      first,
      last: sendingSeq,
      entries: await entriesAfter(services, stream, deliveredSeq, sendingSeq - deliveredSeq),
    };
  }
  const found = await entriesAfter(services, stream, deliveredSeq, batchEntriesMax);
  if (found.length === 0) return "none";
  const entries = found.slice(0, batchLength(found, stream.format, services.publicUrl.hostname));
  const last = deliveredSeq + entries.length;
  return (await beginMessage(services.database, stream, last)) ? { first, last, entries } : "lost";
}

/** By the job that reads one organisation's log for its own destination. Nobody asks, so nothing is on record. */
async function entriesAfter(
  { caller, auditReader, makeId }: Services,
  { scope }: ClaimedStream,
  seq: number,
  limit: number,
): Promise<readonly AuditEntry[]> {
  return await fromPart("audit reader", async () => {
    const call = await caller.asJob("durable-objects.audit-reader", "audit_stream", scope.org, makeId("request"));
    return auditReader.following(call, seq, limit);
  });
}

async function sendMessage(
  services: Services,
  { id, url, format }: ClaimedStream,
  secrets: readonly Uint8Array<ArrayBuffer>[],
  range: SeqRange,
  entries: readonly AuditEntry[],
): Promise<Sent> {
  const body = batchBody(entries, range, format, services.publicUrl.hostname);
  // The same for the same entries, whenever and however often they are sent.
  const message = { id: `${id}.${range.first}-${range.last}`, sentAtMs: services.now(), body };
  return await services.streams.post(url, await webhookHeaders(message, secrets), body);
}

/** Writes down what came of a message. @returns the stream to go on with; null: not in this turn */
async function settle(
  services: Services,
  stream: ClaimedStream,
  range: SeqRange,
  { status, retryAfterSeconds }: Sent,
): Promise<ClaimedStream | null> {
  const { database } = services;
  const nowMs = services.now();
  const verdict = overdue(judge({ status, retryAfterSeconds }), stream, nowMs);
  const behind = { ...stream, deliveredSeq: range.last, sendingSeq: null };
  switch (verdict.kind) {
    case "taken":
      if (!(await noteTaken(database, stream, range.last, nowMs))) return null;
      return { ...behind, tries: 0, failingSinceMs: null };
    case "again": {
      const waitMs = retryWaitMs(stream.tries + 1, verdict.waitMsMin, randomOf(services));
      await noteFailure(database, stream, { failure: verdict.failure, status, nowMs }, nowMs + waitMs);
      return null;
    }
    case "dead": {
      const { failure } = verdict;
      if (!(await noteDead(database, stream, range, { failure, status, nowMs }))) return null;
      // It answers, so the next message is worth a try at once; one that does not is left alone for a while.
      if (failure === "not_accepted") return { ...behind, failingSinceMs: stream.failingSinceMs ?? nowMs };
      await releaseStream(database, stream, nowMs + retryWaitMs(stream.tries, 0, randomOf(services)));
      return null;
    }
    case "stop":
      await noteStopped(database, stream, { failure: verdict.failure, status, nowMs });
      return null;
  }
}

/** A message that failed for longer than {@link giveUpMs} is given up. */
function overdue(verdict: StreamVerdict, { failingSinceMs }: ClaimedStream, nowMs: number): StreamVerdict {
  const late = verdict.kind === "again" && failingSinceMs !== null && nowMs - failingSinceMs >= giveUpMs;
  return late ? { kind: "dead", failure: verdict.failure } : verdict;
}

/** 0 ≤ random < 1, by 16 bits. */
function randomOf({ randomBytes }: Services): number {
  const [high = 0, low = 0] = randomBytes(2);
  return (high * 256 + low) / 65_536;
}

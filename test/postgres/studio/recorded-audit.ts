/** The audit log's RPC surface in memory. It verifies each call as the real one does and can be taken down. */
import { stepsOf } from "../../../core/audit/activity.ts";
import type { AuditEntry, AuditFields, AuditPhase } from "../../../core/audit/events.ts";
import { parseAuditFields } from "../../../core/audit/parse.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { AuditIntakeRpc, AuditReaderRpc } from "../../../core/rpc/durable-objects.ts";
import { createProofs, type FixedProofs } from "./fixed-proofs.ts";

export interface RecordedEvent {
  readonly log: OrgId | null;
  readonly phase: AuditPhase;
  readonly requestId: string;
  readonly event: AuditFields;
}

export interface RecordedAudit {
  readonly events: RecordedEvent[];
  /** Which methods throw. Written by tests alone. */
  down: { append: boolean; intent: boolean; outcome: boolean };
  /** What the log writes behind the next event, of the pattern that it completes. Written by tests. */
  readonly pending: { alert: Extract<AuditFields, { type: "alert" }> | null };
  readonly intake: AuditIntakeRpc;
  readonly reader: AuditReaderRpc;
  readonly proofs: FixedProofs;
  /** What the edge is taken to have counted. Written by tests alone. */
  readonly traffic: Awaited<ReturnType<AuditReaderRpc["traffic"]>>;
  /** What `waf` answers. */
  readonly waf: Awaited<ReturnType<AuditReaderRpc["waf"]>>;
  /** What one request left. */
  of(requestId: string): RecordedEvent[];
}

export function createRecordedAudit(keys: MeshKeys, now: () => number): RecordedAudit {
  const events: RecordedEvent[] = [];
  const traffic: RecordedAudit["traffic"] = [];
  const waf: RecordedAudit["waf"] = [];
  const pending: RecordedAudit["pending"] = { alert: null };
  const down = { append: false, intent: false, outcome: false };

  async function record(
    method: keyof typeof down,
    call: SignedCall,
    log: OrgId | null,
    entries: readonly (readonly [AuditPhase, AuditFields])[],
  ): Promise<VerifiedCall> {
    const expect = { audience: "durable-objects.audit-intake", users: true, jobs: ["anonymous_request"] } as const;
    const verified = await verifyCall(call, expect, keys, now());
    if (log !== null && verified.org !== log) throw new Error("call refused: wrong_org");
    if (down[method]) throw new Error("the log is down");
    for (const [phase, event] of entries) {
      if (parseAuditFields(event) === null) throw new Error("not an audit event");
      events.push({ log, phase, requestId: verified.rid, event });
    }
    return verified;
  }

  /** Writes the alert that a test wants, behind what was just written. */
  function writeAlert(log: OrgId | null): number {
    if (pending.alert === null) return 0;
    events.push({ log, phase: "event", requestId: "", event: pending.alert });
    pending.alert = null;
    return 1;
  }

  /** One log's entries, numbered from 1. */
  const logOf = (log: OrgId | null) =>
    events.filter((recorded) => recorded.log === log).map((recorded, index) => ({ recorded, seq: index + 1 }));

  return {
    events,
    pending,
    down,
    traffic,
    waf,
    of: (requestId) => events.filter((recorded) => recorded.requestId === requestId),
    intake: {
      async append(call, log, appended) {
        await record(
          "append",
          call,
          log,
          appended.map((event) => ["event", event] as const),
        );
        const seqs = appended.map((_, index) => events.length - appended.length + index + 1);
        return { seqs, alerts: writeAlert(log) };
      },
      async intent(call, log, event) {
        await record("intent", call, log, [["intent", event]]);
        return { log: log ?? "platform-0", seq: events.length };
      },
      async outcome(call, intent, event, alongside = []) {
        const log = events[intent.seq - 1]?.log ?? null;
        const others = alongside.map((other) => ["event", other] as const);
        const { rid } = await record("outcome", call, log, [["outcome", event], ...others]);
        if (events[intent.seq - 1]?.requestId !== rid) throw new Error("somebody else's intent");
        const seq = events.length;
        return { seq, alerts: writeAlert(log) };
      },
      async erase(call, user) {
        const expected = {
          audience: "durable-objects.audit-intake",
          users: true,
          jobs: ["erase_subject"],
        } as const;
        const verified = await verifyCall(call, expected, keys, now());
        if (verified.kind === "user" && verified.role !== "owner") throw new Error("call refused: not_granted");
        const names = events.some(({ log, event }) => log === verified.org && JSON.stringify(event).includes(user));
        const known = verified.kind === "job" || names;
        const by = verified.kind === "user" ? verified.sub : null;
        const erased: AuditFields = { type: "person_erased", admin_id: by, target_user_id: user };
        if (known) events.push({ log: verified.org, phase: "event", requestId: verified.rid, event: erased });
        return { known };
      },
    },
    proofs: createProofs(keys, now),
    reader: {
      async list(call, filter) {
        const verified = await verifyCall(call, { audience: "durable-objects.audit-reader", users: true }, keys, now());
        const mine = logOf(verified.org).filter(({ seq }) => seq < (filter.beforeSeq ?? Number.POSITIVE_INFINITY));
        const page = mine.toReversed().slice(0, filter.limit);
        const items = page.map(({ recorded, seq }) => entryOf(recorded, seq, now()));
        return { items, nextBeforeSeq: mine.length > filter.limit ? (page.at(-1)?.seq ?? null) : null };
      },
      async following(call, afterSeq, limit) {
        const expected = { audience: "durable-objects.audit-reader", jobs: ["audit_stream"] } as const;
        const verified = await verifyCall(call, expected, keys, now());
        if (verified.kind !== "job") throw new Error("call refused: wrong_job");
        const after = logOf(verified.org).slice(afterSeq, afterSeq + limit);
        return after.map(({ recorded, seq }) => entryOf(recorded, seq, now()));
      },
      async alerts(call, afterSeq) {
        const expected = { audience: "durable-objects.audit-reader", jobs: ["audit_stream"] } as const;
        const verified = await verifyCall(call, expected, keys, now());
        if (verified.kind !== "job") throw new Error("call refused: wrong_job");
        const found = logOf(verified.org).filter(
          ({ recorded, seq }) => recorded.event.type === "alert" && seq > afterSeq,
        );
        return found.toReversed().map(({ recorded, seq }) => entryOf(recorded, seq, now()));
      },
      async activity(call, query) {
        await verifyCall(call, { audience: "durable-objects.audit-reader", users: true }, keys, now());
        const counts = [{ atMs: stepsOf(query, now()).fromMs, type: "login", outcome: "failure", count: 3 }] as const;
        return { ...stepsOf(query, now()), counts, complete: true };
      },
      async traffic(call) {
        await verifyCall(call, { audience: "durable-objects.audit-reader", users: true }, keys, now());
        return traffic;
      },
      async waf(call) {
        await verifyCall(call, { audience: "durable-objects.audit-reader", users: true }, keys, now());
        return waf;
      },
    },
  };
}

function entryOf({ log, phase, requestId, event }: RecordedEvent, seq: number, nowMs: number): AuditEntry {
  const at = new Date(nowMs).toISOString();
  const base = { version: 1, log: log ?? "platform-0", seq, at, request_id: requestId, phase } as const;
  return { ...base, intent_seq: null, result: null, event, leaf_hash: "0".repeat(64) };
}

import { DurableObject } from "cloudflare:workers";
import type { Activity, ActivityQuery } from "../../core/audit/activity.ts";
import type { AuditEntry, AuditFields } from "../../core/audit/events.ts";
import { jcs } from "../../core/audit/leaf.ts";
import { type LogName, orgOfLog } from "../../core/audit/logs.ts";
import type { TilePath } from "../../core/audit/tile-path.ts";
import { makeId, type UserId } from "../../core/ids.ts";
import { parsePace } from "../../core/pace.ts";
import type {
  CheckpointView,
  ConsistencyView,
  CosignAnswer,
  InclusionView,
  WitnessedView,
} from "../../core/rpc/audit-proofs.ts";
import type { Appended, AuditFilter, KeptWafRecord } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { keyRingName, objectCaller } from "../mesh.ts";
import { Alerts } from "./alerts.ts";
import type { AuditLogMethods } from "./audit-log-methods.ts";
import { backoffMs } from "./backoff.ts";
import { DrainStore } from "./drain-state.ts";
import { type EntryDraft, EntryStore } from "./entry-store.ts";
import { Erasures } from "./erasures.ts";
import { EventCounts } from "./event-counts.ts";
import { Forgetting } from "./forgetting.ts";
import { GeoTraffic, type TrafficCount } from "./geo-traffic.ts";
import { OlderEntries } from "./older-entries.ts";
import { type OpenIntent, OpenIntents, openIntentsMax } from "./open-intents.ts";
import { PersonalFields } from "./personal-fields.ts";
import { type HeadSigner, PublishedLog } from "./published-log.ts";
import { fold, persistEveryMs, RefusalBuckets, type Refusals } from "./refusal-buckets.ts";
import { Repeats } from "./repeats.ts";
import { SubjectKeys } from "./subject-keys.ts";
import { type WafCount, WafRecords } from "./waf-records.ts";

/** Entries wait this long for company before a batch leaves, in milliseconds. */
export const drainDelayMs = 1000;
/** Entries in one write: 100 of some 2 KB stay far under any message limit. */
export const drainBatchMax = 100;
/** Batches in one alarm; more follow in the next, so that nothing else waits for long. */
const batchesPerAlarmMax = 50;
/** Between two turns over personal fields, in milliseconds: a turn is some 0.1 s in which the log answers nobody. */
const tidyDelayMs = 500;
/** Look-ups in one alarm. */
const lookupsPerAlarmMax = 50;
/** If an alarm dies on the way, this is when the next one runs. */
const safetyAlarmMs = 60_000;

/**
 * One log: assigns sequence numbers, hashes leaves, keeps the entries and drains them to Postgres.
 *
 * Why an entry is durable when a method returns: the rows are written in one SQLite transaction,
 * `sync()` resolves only when everything written so far is on disk (and replicated, when deployed),
 * and independently of it the output gate holds any message that leaves this object, RPC answers
 * included, until then. If the write fails, the caller gets an error and the object restarts from
 * what is stored. A crash before the commit leaves no entry and no answer; a crash after it leaves
 * an entry whose answer was lost: an intent that the reconciler closes.
 */
export class AuditLog extends DurableObject<Env> implements AuditLogMethods {
  readonly #keys: SubjectKeys;
  readonly #entries: EntryStore;
  readonly #erasures: Erasures;
  readonly #intents: OpenIntents;
  readonly #drain: DrainStore;
  readonly #buckets: RefusalBuckets;
  readonly #repeats: Repeats;
  readonly #alerts: Alerts;
  readonly #published: PublishedLog;
  readonly #older: OlderEntries;
  readonly #forgetting: Forgetting;
  readonly #traffic: GeoTraffic;
  readonly #counts: EventCounts;
  readonly #waf: WafRecords;
  /** Refusals not stored yet. Written by `foldRefusals` and `#persistRefusals`. */
  readonly #pending = new Map<string, Refusals>();
  /** Set while counts gather in memory. Written by `foldRefusals`. */
  #gathering = false;
  /** When the alarm is set, Unix milliseconds. Written by the constructor, `alarm` and `#arm`. */
  #alarmMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#keys = new SubjectKeys(ctx.storage.sql);
    this.#entries = new EntryStore(ctx.storage.sql, this.#keys);
    this.#erasures = new Erasures(ctx.storage.sql);
    this.#intents = new OpenIntents(ctx.storage.sql);
    this.#drain = new DrainStore(ctx.storage.sql);
    this.#buckets = new RefusalBuckets(ctx.storage.sql);
    this.#repeats = new Repeats(ctx.storage.sql, this.#entries, this.#keys);
    this.#alerts = new Alerts(ctx.storage.sql, this.#entries, this.#keys);
    this.#older = new OlderEntries(ctx.storage.sql, new PersonalFields(this.#keys), {
      sink: env.AUDIT_SINK,
      call: (log, requestId) => objectCaller(env).asJob("data.audit-sink", "audit_drain", orgOfLog(log), requestId),
      bucket: env.AUDIT_COPY,
    });
    this.#forgetting = new Forgetting(ctx.storage.sql);
    this.#published = new PublishedLog(
      ctx.storage,
      () => keyRing(env),
      env.AUDIT_COPY,
      async (index) => {
        const log = this.#drain.log();
        return log === null ? null : await this.#older.leaves(log, index);
      },
      parsePace(env.PACE),
    );
    this.#traffic = new GeoTraffic(ctx.storage.sql);
    this.#counts = new EventCounts(ctx.storage.sql);
    this.#waf = new WafRecords(ctx.storage.sql);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmMs = await ctx.storage.getAlarm();
    });
  }

  /** Single events, in order; of failures that repeat, see {@link Repeats}. */
  async append(log: LogName, requestId: string, events: readonly AuditFields[]): Promise<Appended> {
    const appended = this.#commit(log, (nowMs) => {
      const noted = events.map((event) => ({
        event,
        seq: this.#repeats.append(log, single(requestId, event), nowMs),
      }));
      const alerts = this.#alerts.watch(log, requestId, noted, nowMs);
      return { seqs: noted.map(({ seq }) => seq), alerts };
    });
    await this.ctx.storage.sync();
    return appended;
  }

  /** Before work. */
  async intent(log: LogName, requestId: string, event: AuditFields): Promise<{ seq: number }> {
    const seq = this.#commit(log, (nowMs) => {
      if (this.#intents.count() >= openIntentsMax) throw new Error("too many open intents");
      const draft: EntryDraft = { ...single(requestId, event), phase: "intent" };
      const added = this.#entries.append(log, draft, nowMs);
      this.#intents.open(added, requestId, nowMs);
      return added;
    });
    await this.ctx.storage.sync();
    return { seq };
  }

  /**
   * After work. Closing twice with the same content is one closing; with other content, for another
   * request's intent, or after the reconciler's verdict, it is refused.
   */
  async outcome(
    log: LogName,
    requestId: string,
    intentSeq: number,
    event: AuditFields,
    alongside: readonly AuditFields[],
  ): Promise<{ seq: number; alerts: number }> {
    const closed = this.#commit(log, (nowMs) => {
      const before = this.#closedBefore(log, requestId, intentSeq, [event, ...alongside]);
      if (before !== null) return { seq: before, alerts: 0 };
      const open = this.#intents.get(intentSeq);
      const intended = this.#entries.get(log, intentSeq);
      if (open === null || open.requestId !== requestId) throw new Error("no open intent of this request");
      if (intended?.event.type !== event.type) throw new Error("the outcome is of another type than its intent");
      const outcome: EntryDraft = {
        ...single(requestId, event),
        phase: "outcome",
        intentSeq,
        result: "answered",
        alongside: alongside.length,
      };
      const added = this.#entries.append(log, outcome, nowMs);
      const noted = alongside.map((other) => ({
        event: other,
        seq: this.#entries.append(log, single(requestId, other), nowMs),
      }));
      // Behind all that is the outcome's own, which is known by its place.
      const alerts = this.#alerts.watch(log, requestId, noted, nowMs);
      this.#intents.close(intentSeq);
      return { seq: added, alerts };
    });
    await this.ctx.storage.sync();
    return closed;
  }

  /** Entries, newest first. `filter` was validated by `AuditReader`. */
  async list(log: LogName, filter: AuditFilter): Promise<{ items: AuditEntry[]; nextBeforeSeq: number | null }> {
    const older = this.#older.count();
    const isOlder = filter.beforeSeq !== null && filter.beforeSeq <= older + 1;
    const { items, nextBeforeSeq } = isOlder ? nothing : this.#entries.list(log, filter);
    if (nextBeforeSeq !== null || older === 0) return { items, nextBeforeSeq };
    // Behind the oldest that is here, whether or not there is room for another: whoever goes on begins there.
    if (items.length === filter.limit) return { items, nextBeforeSeq: older + 1 };
    const beforeSeq = Math.min(filter.beforeSeq ?? older + 1, older + 1);
    const page = await this.#older.page(log, { ...filter, beforeSeq, limit: filter.limit - items.length });
    return { items: [...items, ...page.items], nextBeforeSeq: page.nextBeforeSeq };
  }

  /** Entries after one, oldest first and without a gap; see `AuditReaderRpc`. */
  async following(log: LogName, afterSeq: number, limit: number): Promise<AuditEntry[]> {
    const until = Math.min(this.#entries.lastSeq(), afterSeq + limit);
    if (until <= afterSeq) return [];
    const anything = { type: null, actor: null, fromMs: null, toMs: null };
    const { items } = await this.list(log, { ...anything, beforeSeq: until + 1, limit: until - afterSeq });
    return items.reverse();
  }

  /** How many events of which type came to what; the query was validated by `AuditReader`. */
  async activity(query: ActivityQuery): Promise<Activity> {
    return this.ctx.storage.transactionSync(() => this.#counts.read(query, Date.now()));
  }

  /** The newest checkpoint; null before the first. */
  async checkpoint(): Promise<CheckpointView | null> {
    return await this.#published.checkpoint();
  }

  /** Where an entry stands in the tree; see `AuditProofsRpc`. */
  async inclusion(seq: number, size: number | null): Promise<InclusionView | null> {
    return await this.#published.inclusion(seq, size);
  }

  /** That the log of `to` entries begins with that of `from`; see `AuditProofsRpc`. */
  async consistency(from: number, to: number | null): Promise<ConsistencyView | null> {
    return this.#published.consistency(from, to);
  }

  /** For a witness; see `AuditProofsRpc`. */
  async witnessed(from: number): Promise<WitnessedView | null> {
    return await this.#published.witnessed(from);
  }

  /** Keeps a witness's cosignature, durable when this returns; see `AuditProofsRpc`. */
  async cosign(verifier: string, size: number, line: string): Promise<CosignAnswer> {
    const answer = await this.#published.cosign(verifier, size, line, Date.now());
    await this.ctx.storage.sync();
    return answer;
  }

  /** Bytes of a tile; see `AuditProofsRpc`. */
  async tile(path: TilePath): Promise<Uint8Array<ArrayBuffer> | null> {
    return await this.#published.tile(path);
  }

  /**
   * Counts refusals. The first of a quiet time is stored at once, the following ones gather in memory
   * for a few seconds: storage is written at a pace of ours, never at an attacker's.
   */
  async foldRefusals(log: LogName, refusals: readonly Refusals[]): Promise<void> {
    fold(this.#pending, refusals);
    if (this.#gathering) return;
    this.#gathering = true;
    this.#persistRefusals(log);
    setTimeout(() => {
      this.#gathering = false;
      this.#persistRefusals(log);
    }, persistEveryMs);
  }

  /** Counts requests by where they came from; the edge reports at a pace of its own. */
  async foldTraffic(counts: readonly TrafficCount[]): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#traffic.add(counts, Date.now()));
    this.#arm();
  }

  /** Where the requests of the last days came from. */
  async traffic(days: number): Promise<TrafficCount[]> {
    return this.#traffic.read(Date.now(), days);
  }

  /** Counts requests by what the firewall made of them. */
  async foldWaf(counts: readonly WafCount[]): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#waf.add(counts, Date.now()));
    this.#arm();
  }

  /** What the firewall made of the requests of the last seven days. */
  async waf(): Promise<KeptWafRecord[]> {
    return this.#waf.read(Date.now());
  }

  /**
   * Makes whatever names a person in this log unreadable, wherever a copy lies, by destroying the person's key. An
   * entry says that somebody was erased; whom, it commits to and nobody can open.
   * @param by whoever asked for it; null: the platform's operator, whose word is written down whatever it finds
   * @returns the entry's number; null when the log names no such person, and then nothing is written
   */
  async erasePerson(log: LogName, requestId: string, by: UserId | null, user: UserId): Promise<{ seq: number | null }> {
    if (by !== null && !this.#entries.sealing.knows(user)) return { seq: null };
    const seq = this.#commit(log, (nowMs) => {
      this.#repeats.flushAll(log, nowMs);
      this.#alerts.forget();
      const event: AuditFields = { type: "person_erased", admin_id: by, target_user_id: user };
      const added = this.#entries.append(log, single(requestId, event), nowMs);
      this.#entries.sealing.erasePlain(user);
      this.#keys.destroy(user);
      this.#erasures.add(requestId, nowMs);
      return added;
    });
    await this.ctx.storage.sync();
    return { seq };
  }

  /** Everything that has its time: forget old counts, fold refusals, make checkpoints, copy, close lost intents, drain. */
  override async alarm(): Promise<void> {
    this.#prune();
    const log = this.#drain.log();
    if (log === null) {
      this.#alarmMs = null;
      this.#arm();
      return;
    }
    // First the next alarm, then the work: an alarm that keeps throwing is dropped by the platform.
    this.#alarmMs = Date.now() + safetyAlarmMs;
    await this.ctx.storage.setAlarm(this.#alarmMs);
    this.#persistRefusals(log);
    this.#flushRefusals(log);
    this.#commit(log, (nowMs) => this.#repeats.flush(log, nowMs));
    this.#tidyPersonal(log);
    this.ctx.storage.transactionSync(() => this.#counts.catchUp(Date.now()));
    // Side by side: neither Postgres nor KeyRing may hold up what needs only the other.
    await Promise.all([
      this.#published.tend(log, Date.now()),
      this.#reconcile(log).then(() => this.#drainBatches(log)),
    ]);
    this.#forget(log);
    this.#alarmMs = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  /** Counts of requests end with their days, also when nobody asks anything of the organisation any more. */
  #prune(): void {
    const nowMs = Date.now();
    this.ctx.storage.transactionSync(() => {
      this.#traffic.prune(nowMs);
      this.#waf.prune(nowMs);
    });
  }

  /** Runs `write` in one transaction, gives the drain its time, and sets the alarm in the same turn. */
  #commit<T>(log: LogName, write: (nowMs: number) => T): T {
    const nowMs = Date.now();
    const result = this.#transaction(() => {
      this.#drain.claim(log);
      const state = this.#drain.get();
      const idle = this.#entries.lastSeq() === state.drainedSeq;
      const written = write(nowMs);
      if (idle) this.#drain.set({ ...state, dueMs: nowMs + drainDelayMs });
      return written;
    });
    this.#arm();
    return result;
  }

  /** What was made in a transaction that failed, keys above all, must not be in memory. */
  #transaction<T>(write: () => T): T {
    try {
      return this.ctx.storage.transactionSync(write);
    } catch (error) {
      this.#keys.forget();
      throw error;
    }
  }

  /** A turn of what is left to do for personal fields; see {@link EntrySealing}. */
  #tidyPersonal(log: LogName): void {
    const nowMs = Date.now();
    this.#transaction(() => {
      this.#keys.expire(nowMs);
      this.#erasures.forget(nowMs);
      this.#entries.sealing.unlinkSome();
      // What Postgres has of entries from before they were sealed, it has in clear; the sink replaces it.
      if (this.#entries.sealing.sealSome(log)) this.#drain.set({ drainedSeq: 0, tries: 0, dueMs: nowMs });
    });
    this.#entries.sealing.turned();
  }

  /** Entries beyond those that the object keeps, as far as they are elsewhere. */
  #forget(log: LogName): void {
    const { drainedSeq } = this.#drain.get();
    const isTidy = !this.#entries.sealing.hasWork();
    const elsewhere = { drainedSeq, copiedEntries: this.#published.copiedEntries(), isTidy };
    this.ctx.storage.transactionSync(() => this.#forgetting.forgetSome(log, elsewhere, Date.now()));
  }

  /** The outcome that already closed this intent with exactly this content; null while it is open. */
  #closedBefore(log: LogName, requestId: string, intentSeq: number, events: readonly AuditFields[]): number | null {
    const closed = this.#entries.outcomeOf(intentSeq);
    if (closed === null) return null;
    const stored = Array.from({ length: closed.alongside + 1 }, (_, index) =>
      this.#entries.get(log, closed.seq + index),
    );
    const outcome = stored[0];
    const same = jcs(stored.map((entry) => entry?.event ?? null)) === jcs(events);
    if (outcome?.request_id === requestId && outcome.result === "answered" && same) return closed.seq;
    throw new Error("the intent is already closed");
  }

  /**
   * Sets the alarm to the earliest thing that is due; a log with nothing due sleeps. Not awaited: the
   * write joins the transaction of this turn and is held by the same output gate.
   */
  #arm(): void {
    const state = this.#drain.get();
    const drainMs = this.#entries.lastSeq() > state.drainedSeq ? state.dueMs : null;
    const sums = [this.#buckets.nextFlushMs(), this.#repeats.nextFlushMs()];
    const kept = [this.#traffic.nextPruneMs(), this.#waf.nextPruneMs()];
    const tidyMs = this.#entries.sealing.hasWork() ? Date.now() + tidyDelayMs : this.#keys.nextExpiryMs();
    const all = [
      drainMs,
      this.#intents.nextDueMs(),
      ...sums,
      ...kept,
      this.#published.nextDueMs(),
      tidyMs,
      this.#forgetting.nextDueMs(),
    ];
    const times = all.filter((time) => time !== null);
    if (times.length === 0) {
      if (this.#alarmMs !== null) void this.ctx.storage.deleteAlarm();
      this.#alarmMs = null;
      return;
    }
    const dueMs = Math.min(...times);
    if (this.#alarmMs !== null && this.#alarmMs <= dueMs) return;
    this.#alarmMs = dueMs;
    void this.ctx.storage.setAlarm(dueMs);
  }

  #persistRefusals(log: LogName): void {
    if (this.#pending.size === 0) return;
    const nowMs = Date.now();
    this.ctx.storage.transactionSync(() => {
      this.#drain.claim(log);
      this.#buckets.add(this.#pending.values(), nowMs);
    });
    this.#pending.clear();
    this.#arm();
  }

  #flushRefusals(log: LogName): void {
    this.#commit(log, (nowMs) => {
      const due = this.#buckets.take(nowMs);
      if (due.length === 0) return;
      // No request stands behind the sum of many; the id ties the events of one flush together.
      const requestId = newRequestId(nowMs);
      for (const refusals of due) this.#entries.append(log, single(requestId, refusalsEvent(refusals)), nowMs);
    });
  }

  /**
   * Closes intents whose request is gone, by looking at what really happened: the request's receipt
   * is written in the same Postgres transaction as its work. A look-up that fails proves nothing, so
   * the intent stays open and is looked up again: never guess.
   */
  async #reconcile(log: LogName): Promise<void> {
    for (const intent of this.#intents.due(Date.now(), lookupsPerAlarmMax)) {
      if (this.#erasures.has(intent.requestId)) {
        this.#closeLost(log, intent, true);
        continue;
      }
      try {
        const org = orgOfLog(log);
        const call = await objectCaller(this.env).asJob("data.audit-sink", "audit_drain", org, intent.requestId);
        const done = await this.env.AUDIT_SINK.receiptExists(call, org, intent.requestId);
        if (typeof done !== "boolean") throw new Error("the look-up gave no answer");
        this.#closeLost(log, intent, done);
      } catch {
        const tries = intent.tries + 1;
        this.#intents.postpone(intent.seq, tries, Date.now() + backoffMs(tries, Math.random()));
      }
    }
  }

  #closeLost(log: LogName, intent: OpenIntent, done: boolean): void {
    this.#commit(log, (nowMs) => {
      // Its outcome may have come while the look-up was under way: that one counts.
      const intended = this.#entries.get(log, intent.seq);
      if (this.#intents.get(intent.seq) === null || intended === null) return;
      const outcome: EntryDraft = {
        ...single(intent.requestId, intended.event),
        phase: "outcome",
        intentSeq: intent.seq,
        result: done ? "reconciled_done" : "reconciled_not_done",
      };
      this.#entries.append(log, outcome, nowMs);
      this.#intents.close(intent.seq);
    });
  }

  /**
   * Writes batches to Postgres, in order. The cursor moves only after a write succeeded; a crash or
   * a lost answer in between writes the same entries again, which the sink takes by (log, seq) once.
   */
  async #drainBatches(log: LogName): Promise<void> {
    for (let batch = 0; batch < batchesPerAlarmMax; batch += 1) {
      const state = this.#drain.get();
      if (state.dueMs > Date.now()) return;
      const entries = this.#entries.after(log, state.drainedSeq, drainBatchMax);
      const last = entries.at(-1);
      if (last === undefined) return;
      try {
        const requestId = newRequestId(Date.now());
        const call = await objectCaller(this.env).asJob("data.audit-sink", "audit_drain", orgOfLog(log), requestId);
        await this.env.AUDIT_SINK.write(call, entries);
        this.#drain.set({ drainedSeq: last.entry.seq, tries: 0, dueMs: Date.now() });
      } catch {
        const tries = state.tries + 1;
        this.#drain.set({ ...state, tries, dueMs: Date.now() + backoffMs(tries, Math.random()) });
        return;
      }
    }
  }
}

const nothing = { items: [], nextBeforeSeq: null };

/** Spelled out because an RPC stub's own type is deeper than it need be. */
function keyRing(env: Env): HeadSigner {
  return env.KEY_RING.getByName(keyRingName) as unknown as HeadSigner;
}

function single(requestId: string, event: AuditFields): EntryDraft {
  return { requestId, phase: "event", intentSeq: null, result: null, event, alongside: 0 };
}

function newRequestId(nowMs: number): string {
  return makeId("request", nowMs, crypto.getRandomValues(new Uint8Array(10)));
}

function refusalsEvent(refusals: Refusals): AuditFields {
  return {
    type: "edge_refusals",
    gate: refusals.gate,
    code: refusals.code,
    country: refusals.country,
    count: refusals.count,
    first_at: new Date(refusals.firstAtMs).toISOString(),
    last_at: new Date(refusals.lastAtMs).toISOString(),
  };
}

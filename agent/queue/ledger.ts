/**
 * The queue's arithmetic: which sequence numbers exist, where they lie, what is acknowledged and
 * what must go when the bound is reached. No I/O: `DiskQueue` performs what this decides.
 *
 * INVARIANTS
 * - Sequence numbers rise by one with each append and are never used twice while a cursor that
 *   covers them may exist: a new record is never taken for an acknowledged one.
 * - Segments are in order and don't overlap; only the last may be open for appending.
 * - `acknowledgedSeq` never falls.
 */
import type { SegmentScan } from "./record.ts";

/** One file: some three hours at one sample in five seconds, so dropping one loses little. */
export const segmentBytesMax = 1024 * 1024;
/** The whole queue: seven days of samples of about 500 bytes, one in five seconds. */
export const queueBytesMax = 64 * 1024 * 1024;
/** Older readings explain nothing any more. */
export const queueAgeMsMax = 7 * 24 * 3600_000;

interface Segment {
  readonly firstSeq: number;
  /** Where each record ends in the file. Written only by `appended`. */
  readonly ends: number[];
  newestMs: number;
}

export interface RecoveredSegment {
  readonly firstSeq: number;
  readonly scan: SegmentScan;
}

export interface RecordPlace {
  readonly seq: number;
  readonly segment: number;
  readonly start: number;
  readonly end: number;
}

export interface AppendPlan {
  /** Segments to delete first, oldest first. */
  readonly drop: readonly number[];
  /** How many unacknowledged records that loses. */
  readonly lost: number;
  /** Sequence number of the new record. */
  readonly seq: number;
  /** First sequence number of the segment to append to; `create` when it is new. */
  readonly segment: number;
  readonly create: boolean;
}

const lastSeqOf = (segment: Segment): number => segment.firstSeq + segment.ends.length - 1;
const bytesOf = (segment: Segment): number => segment.ends.at(-1) ?? 0;

export class QueueLedger {
  /** Written by `appended`, `acknowledge` and `planAppend` (drops). */
  #segments: Segment[];
  #acknowledgedSeq: number;
  #nextSeq: number;
  /** True while the last segment may be appended to. */
  #open = false;
  #bytes: number;

  /**
   * What a crash left. A segment without one good record must have been deleted by the caller.
   * @param cursor the last acknowledged sequence number that was written down, 0 if none. It may be
   * older than the truth (then records are sent again; the server knows their ids) and, after a
   * power cut, newer than the newest record on disk: so numbering goes on behind both.
   */
  constructor(recovered: readonly RecoveredSegment[], cursor: number) {
    this.#segments = recovered
      .map(({ firstSeq, scan }) => ({ firstSeq, ends: [...scan.ends], newestMs: scan.newestMs }))
      .sort((left, right) => left.firstSeq - right.firstSeq);
    const last = this.#segments.at(-1);
    this.#acknowledgedSeq = cursor;
    this.#nextSeq = Math.max(cursor, last === undefined ? 0 : lastSeqOf(last)) + 1;
    this.#bytes = this.#segments.reduce((sum, segment) => sum + bytesOf(segment), 0);
  }

  get acknowledgedSeq(): number {
    return this.#acknowledgedSeq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Records not yet acknowledged. */
  get depth(): number {
    return this.#segments.reduce((sum, segment) => sum + this.#unacknowledgedIn(segment), 0);
  }

  /** Decides where the next record goes and drops what no longer fits. Call `appended` once it is durable. */
  planAppend(recordBytes: number, nowMs: number): AppendPlan {
    const drop: number[] = [];
    let lost = 0;
    for (;;) {
      const oldest = this.#segments[0];
      if (oldest === undefined) break;
      const tooBig = this.#bytes + recordBytes > queueBytesMax;
      if (!tooBig && oldest.newestMs >= nowMs - queueAgeMsMax) break;
      lost += this.#unacknowledgedIn(oldest);
      this.#acknowledgedSeq = Math.max(this.#acknowledgedSeq, lastSeqOf(oldest));
      drop.push(oldest.firstSeq);
      this.#remove(oldest);
    }
    const last = this.#segments.at(-1);
    const fits = this.#open && last !== undefined && bytesOf(last) + recordBytes <= segmentBytesMax;
    const seq = this.#nextSeq;
    return { drop, lost, seq, segment: fits ? last.firstSeq : seq, create: !fits };
  }

  /** The record of `plan` is on disk. */
  appended(plan: AppendPlan, recordBytes: number, atMs: number): void {
    if (plan.seq !== this.#nextSeq) throw new Error("append out of order");
    if (plan.create) {
      this.#segments.push({ firstSeq: plan.seq, ends: [], newestMs: Number.NEGATIVE_INFINITY });
      this.#open = true;
    }
    const last = this.#segments.at(-1);
    if (last === undefined || last.firstSeq !== plan.segment) throw new Error("append to a closed segment");
    last.ends.push(bytesOf(last) + recordBytes);
    last.newestMs = Math.max(last.newestMs, atMs);
    this.#bytes += recordBytes;
    this.#nextSeq += 1;
  }

  /**
   * The append of `plan` failed. What the file ends with is unknown, perhaps the whole record: so
   * append no more to it, and leave the number to whatever is there.
   */
  failed(plan: AppendPlan): void {
    this.#open = false;
    this.#nextSeq = plan.seq + 1;
  }

  /**
   * Everything up to and including `seq` has arrived.
   * @returns segments that hold nothing else and can be deleted, oldest first
   */
  acknowledge(seq: number): number[] {
    if (seq >= this.#nextSeq) throw new Error("acknowledged what was never appended");
    this.#acknowledgedSeq = Math.max(this.#acknowledgedSeq, seq);
    const done: number[] = [];
    for (;;) {
      const oldest = this.#segments[0];
      if (oldest === undefined || lastSeqOf(oldest) > this.#acknowledgedSeq) return done;
      // The open segment is kept until it is full: deleting a file a sample would wear the disk.
      if (this.#open && this.#segments.length === 1) return done;
      done.push(oldest.firstSeq);
      this.#remove(oldest);
    }
  }

  /** The first unacknowledged record after `seq`, or null. Gaps (rot, dropped segments) are skipped. */
  nextAfter(seq: number): RecordPlace | null {
    const wanted = Math.max(seq, this.#acknowledgedSeq) + 1;
    for (const segment of this.#segments) {
      if (lastSeqOf(segment) < wanted) continue;
      const found = Math.max(wanted, segment.firstSeq);
      const index = found - segment.firstSeq;
      const end = segment.ends[index];
      if (end === undefined) throw new Error("a segment without the record it claims");
      return { seq: found, segment: segment.firstSeq, start: segment.ends[index - 1] ?? 0, end };
    }
    return null;
  }

  #unacknowledgedIn(segment: Segment): number {
    return Math.max(0, lastSeqOf(segment) - Math.max(this.#acknowledgedSeq, segment.firstSeq - 1));
  }

  #remove(oldest: Segment): void {
    this.#segments.shift();
    this.#bytes -= bytesOf(oldest);
    if (this.#segments.length === 0) this.#open = false;
  }
}

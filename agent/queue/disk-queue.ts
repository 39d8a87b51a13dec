/**
 * The queue on disk: a sample is durable here before it is sent, and leaves when its PUBACK came.
 * At least once towards the server, which keeps one copy of each sample id: once each, in order.
 *
 * Commit points: `append` returned ⇒ the sample survives a crash. `acknowledge` may be forgotten in
 * a crash: then it is sent again. Nothing is ever removed before it was acknowledged, except by the
 * bound, which says how many it cost.
 *
 * File operations are synchronous on purpose: nothing can come between a decision and its write.
 */
import type { QueueFiles } from "./files.ts";
import { QueueLedger, type RecoveredSegment } from "./ledger.ts";
import { decodeRecord, encodeRecord, scanSegment } from "./record.ts";

export interface QueueEvents {
  /** Unacknowledged samples were lost to the bound. */
  dropped(count: number): void;
  /** Bytes that couldn't be read back: a torn write at a crash, or rot. */
  damaged(bytes: number): void;
}

export interface QueuedSample {
  readonly seq: number;
  readonly payload: Uint8Array;
}

export class DiskQueue {
  readonly #files: QueueFiles;
  readonly #events: QueueEvents;
  readonly #ledger: QueueLedger;

  /** Reads what is there. Throws when the directory can't be read. */
  constructor(files: QueueFiles, events: QueueEvents) {
    this.#files = files;
    this.#events = events;
    const recovered: RecoveredSegment[] = [];
    for (const firstSeq of files.list()) {
      const scan = scanSegment(files.readAll(firstSeq));
      if (scan.strayBytes > 0) events.damaged(scan.strayBytes);
      if (scan.ends.length === 0) files.remove(firstSeq);
      else recovered.push({ firstSeq, scan });
    }
    this.#ledger = new QueueLedger(recovered, this.#readCursor());
    for (const done of this.#ledger.acknowledge(this.#ledger.acknowledgedSeq)) files.remove(done);
  }

  get depth(): number {
    return this.#ledger.depth;
  }

  get bytes(): number {
    return this.#ledger.bytes;
  }

  get acknowledgedSeq(): number {
    return this.#ledger.acknowledgedSeq;
  }

  /**
   * Makes a sample durable.
   * @param nowMs Unix time in milliseconds
   * @returns its sequence number. Throws when the disk refuses it: the sample is then not queued.
   */
  append(payload: Uint8Array, nowMs: number): number {
    const record = encodeRecord({ atMs: nowMs, payload });
    const plan = this.#ledger.planAppend(record.length, nowMs);
    for (const segment of plan.drop) this.#files.remove(segment);
    if (plan.lost > 0) this.#events.dropped(plan.lost);
    try {
      if (plan.create) this.#files.create(plan.segment);
      this.#files.append(record);
    } catch (error) {
      this.#ledger.failed(plan);
      if (plan.create) this.#removeQuietly(plan.segment);
      throw error;
    }
    this.#ledger.appended(plan, record.length, nowMs);
    return plan.seq;
  }

  /** The next sample to send after `seq`, or null. A sample that rotted on disk is skipped. */
  nextAfter(seq: number): QueuedSample | null {
    for (let after = seq; ; ) {
      const place = this.#ledger.nextAfter(after);
      if (place === null) return null;
      const record = decodeRecord(this.#files.readAt(place.segment, place.start, place.end));
      if (record !== null) return { seq: place.seq, payload: record.payload };
      this.#events.damaged(place.end - place.start);
      after = place.seq;
    }
  }

  /** Everything up to and including `seq` has arrived. */
  acknowledge(seq: number): void {
    const done = this.#ledger.acknowledge(seq);
    const text = new TextEncoder().encode(String(this.#ledger.acknowledgedSeq));
    try {
      this.#files.writeCursor(encodeRecord({ atMs: 0, payload: text }));
    } finally {
      // Even when the disk is full: this is what frees it.
      for (const segment of done) this.#files.remove(segment);
    }
  }

  close(): void {
    this.#files.close();
  }

  /** A full disk must not fill with empty files either; the first error is the one to report. */
  #removeQuietly(segment: number): void {
    try {
      this.#files.remove(segment);
    } catch {
      // Read and removed at the next start.
    }
  }

  #readCursor(): number {
    const bytes = this.#files.readCursor();
    const record = bytes === null ? null : decodeRecord(bytes);
    if (record === null) return 0;
    const seq = Number(new TextDecoder().decode(record.payload));
    return Number.isSafeInteger(seq) && seq >= 0 ? seq : 0;
  }
}

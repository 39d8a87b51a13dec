import type { RelayRow } from "./relay-store.ts";

/** QoS 0 messages that wait for one target, in bytes; more are dropped, as QoS 0 may be. */
export const looseBytesMax = 8 * 1024 * 1024;

const backoffMsMin = 100;
const backoffMsMax = 30_000;

export interface RelayBatch {
  readonly rows: readonly RelayRow[];
  readonly loose: readonly Uint8Array[];
}

export interface RelayRunnerDependencies {
  /** The oldest stored rows. */
  readonly peek: () => readonly RelayRow[];
  /** They are stored at the other side; `peek` gives them no more. */
  readonly remove: (throughSeq: number) => void;
  /** Everything has left; may call `stored` and `add`. */
  readonly rested: () => void;
  /** @throws when it is not known that they are */
  readonly send: (batch: RelayBatch) => Promise<void>;
  /** Asks for `resume` at that time, whatever happens to this object in between. */
  readonly wakeAt: (atMs: number) => void;
  /** At least so long from the beginning of one call to that of the next, in milliseconds. */
  readonly gapMs: number;
  readonly pause: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

/**
 * Brings messages to one other object. One call is under way at a time and takes everything that has
 * gathered meanwhile: order is kept, and the busier the object the larger the batch. After a rest a message
 * leaves at once.
 *
 * Promises: a stored row is removed only after the call that brought it returned, so none is lost; a call
 * may have succeeded although we never heard, so one may come twice, and the receiver's mark knows it.
 * QoS 0 is tried once.
 */
export class RelayRunner {
  private readonly deps: RelayRunnerDependencies;
  private loose: Uint8Array[] = [];
  private looseBytes = 0;
  /** May there be rows? Written by `stored` and `run`. */
  private hasRows: boolean;
  private running = false;
  private failures = 0;
  private notBeforeMs = 0;
  /** When the last call began. */
  private calledAtMs = Number.NEGATIVE_INFINITY;

  /** @param hasRows true when rows of an earlier life may wait */
  constructor(deps: RelayRunnerDependencies, hasRows: boolean) {
    this.deps = deps;
    this.hasRows = hasRows;
  }

  /** True when nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return !this.running && !this.hasRows && this.loose.length === 0;
  }

  /** Rows were committed. */
  stored(): void {
    this.hasRows = true;
    this.resume();
  }

  /** Messages that nobody was promised. */
  add(data: Uint8Array): void {
    if (this.looseBytes + data.length > looseBytesMax) return;
    this.loose.push(data);
    this.looseBytes += data.length;
    this.resume();
  }

  /** Goes on if there is anything to do and it is time. */
  resume(): void {
    if (this.running || (!this.hasRows && this.loose.length === 0)) return;
    const now = this.deps.now();
    if (now < this.notBeforeMs) {
      this.loose = [];
      this.looseBytes = 0;
      this.deps.wakeAt(this.notBeforeMs);
      return;
    }
    this.running = true;
    // A crash before the first call is back must not leave rows that nobody looks after.
    if (this.hasRows) this.deps.wakeAt(now + backoffMsMax);
    void this.run();
  }

  private async run(): Promise<void> {
    try {
      while (this.hasRows || this.loose.length > 0) {
        const early = this.calledAtMs + this.deps.gapMs - this.deps.now();
        if (early > 0) await this.deps.pause(early);
        const rows = this.hasRows ? this.deps.peek() : [];
        const { loose } = this;
        this.loose = [];
        this.looseBytes = 0;
        if (rows.length === 0) this.hasRows = false;
        const last = rows.at(-1);
        if (last === undefined && loose.length === 0) {
          this.deps.rested();
          // It may have brought more.
          continue;
        }
        this.calledAtMs = this.deps.now();
        await this.deps.send({ rows, loose });
        if (last !== undefined) this.deps.remove(last.seq);
        this.failures = 0;
      }
    } catch {
      this.failures += 1;
      const ceiling = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.failures, 16));
      this.notBeforeMs = this.deps.now() + backoffMsMin + Math.floor(this.deps.random() * (ceiling - backoffMsMin));
      this.deps.wakeAt(this.notBeforeMs);
    } finally {
      this.running = false;
    }
  }
}

/** How long work waits for more of it, in milliseconds: the shortest that a timer can here. */
const waitMs = 1;
/**
 * How long what nobody waits for may be kept back behind a commit, in milliseconds: that a message was
 * acknowledged is stored with the next commit that somebody does wait for. Lost in a crash, it is a
 * redelivery, as when the acknowledgement itself is lost.
 */
const unawaitedMs = 10;
/** Requests in one millisecond from which on waiting brings many together. */
const busyRequests = 8;
/** Sockets to be sent to that make work dear: this many sends take about as long as the wait. */
const dearSockets = 16;
/** Requests that make a burst: fewer are no reason to store or to send sooner. */
const burstMin = 8;
/** Dear work that has waited for nothing again and again is done at once so often, before it waits again to see. */
const hastyRunsMax = 32;

/**
 * Runs work once for everything that arrives together: one transaction and one frame a socket for many
 * messages carry several times what one each does.
 *
 * Waiting takes a millisecond, and whoever waits for an answer before he asks again pays for it each time.
 * (Turns of the event loop without a timer bring nothing: another frame is only handed over once the
 * object has gone idle.) So there is no wait with little to do; there is one when requests come many to a
 * millisecond, and between two commits; and dear work, a message to many sockets, waits as long as that
 * turns out to bring more messages.
 *
 * Whoever has so many messages in flight and no more sends as many as were answered: bursts of one size, one behind
 * the other. When two waits in a row brought as many requests, the next is over when so many are there, and not
 * when the timer says so: nobody sends before he has his answers, and the object would be idle until then.
 *
 * The timer keeps the object from being evicted; none is set while it is idle.
 */
export class Tick {
  private readonly work: () => void;
  private pending = false;
  /** Ends the wait. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests since work began to wait. */
  private more = 0;
  /** What the last whole wait brought. */
  private moreBefore = 0;
  /** How many end a wait before its time; 0 for none. */
  private enough = 0;
  /** Dear work is done at once this many times more; after the next wait for nothing, twice as often. */
  private hastyRuns = 0;
  private hastyRunsNext = 1;
  private dear = false;
  /** The millisecond that is being counted, the requests in it and in the one before. */
  private countedMs = 0;
  private requests = 0;
  private requestsBefore = 0;
  private storedAtMs = Number.NEGATIVE_INFINITY;
  /** A timer runs for what nobody waits for. */
  private unawaited = false;

  constructor(work: () => void) {
    this.work = work;
  }

  /**
   * Asks for the work to be done, now or soon.
   * @param stores whether it has something to store
   * @param sockets how many sockets it is to send to
   */
  request(stores: boolean, sockets: number, nowMs: number): void {
    this.count(nowMs);
    if (this.pending) {
      this.more += 1;
      if (this.more === this.enough) this.run();
      return;
    }
    if (sockets === 0 && nowMs - this.storedAtMs <= unawaitedMs) {
      this.runUnawaited();
      return;
    }
    const storedJustNow = stores && nowMs - this.storedAtMs <= waitMs;
    if (stores) this.storedAtMs = nowMs;
    const busy = storedJustNow || this.requests > busyRequests || this.requestsBefore > busyRequests;
    this.dear = sockets >= dearSockets;
    if (!busy && !(this.dear && this.hastyRuns === 0)) {
      if (this.dear) this.hastyRuns -= 1;
      this.work();
      return;
    }
    this.pending = true;
    this.more = 0;
    this.timer = setTimeout(() => {
      this.enough = this.more >= burstMin && this.more === this.moreBefore ? this.more : 0;
      this.moreBefore = this.more;
      this.run();
    }, waitMs);
  }

  private runUnawaited(): void {
    if (this.unawaited) return;
    this.unawaited = true;
    setTimeout(() => {
      this.unawaited = false;
      if (!this.pending) this.work();
    }, unawaitedMs);
  }

  private count(nowMs: number): void {
    if (nowMs !== this.countedMs) {
      this.requestsBefore = nowMs - this.countedMs <= 2 * waitMs ? this.requests : 0;
      this.requests = 0;
      this.countedMs = nowMs;
    }
    this.requests += 1;
  }

  private run(): void {
    clearTimeout(this.timer);
    this.pending = false;
    if (this.dear && this.more > 0) {
      this.hastyRunsNext = 1;
    } else if (this.dear) {
      this.hastyRuns = this.hastyRunsNext;
      this.hastyRunsNext = Math.min(hastyRunsMax, 2 * this.hastyRunsNext);
    }
    this.work();
  }
}

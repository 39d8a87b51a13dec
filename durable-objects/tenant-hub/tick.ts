/** Work that stores comes at most this often, in milliseconds: storing costs the same for one message and for a hundred. */
const storeEveryMs = 1;
/** Requests in one millisecond from which on work waits for the end of it: then there are many in each. */
const busyRequests = 8;
/** Sockets to be sent to that are worth one more turn of waiting; a `send` costs as much as a turn. */
const socketsPerTurn = 16;
/** Turns that the dearest work waits for more. */
const quietTurnsMax = 16;
/** Turns that work waits in all: a full hub must send as well as receive. */
const turnsMax = 64;

/**
 * Runs work once for everything that arrives together.
 *
 * With little to do, a turn of the event loop is waited for: a message to ourselves, behind what the loop
 * has to hand over. A timer would take a millisecond, which whoever waits for an answer before he asks
 * again would pay each time; in a microtask no other event comes in between. Dear work, many sockets to be
 * sent to, waits until some turns have brought nothing more. Once the hub is busy a timer it is: a turn
 * brings a frame or two then, a millisecond a hundred.
 *
 * A message under way keeps the object from being evicted, as a timer does; neither is while it is idle.
 */
export class Tick {
  private readonly work: () => void;
  private readonly channel = new MessageChannel();
  private pending = false;
  private turns = 0;
  private quietTurns = 0;
  private quietTurnsWanted = 0;
  /** Requests since the last turn. */
  private more = 0;
  /** The millisecond that is being counted, the requests in it and in the one before. */
  private countedMs = 0;
  private requests = 0;
  private requestsBefore = 0;
  private storedAtMs = 0;

  constructor(work: () => void) {
    this.work = work;
    this.channel.port1.onmessage = () => this.turn();
  }

  /**
   * Asks for the work to be done soon.
   * @param stores whether it has something to store
   * @param sockets how many sockets it is to send to
   */
  request(stores: boolean, sockets: number, nowMs: number): void {
    this.more += 1;
    this.count(nowMs);
    this.quietTurnsWanted = Math.min(quietTurnsMax, 1 + Math.floor(sockets / socketsPerTurn));
    if (this.pending) return;
    this.pending = true;
    this.turns = 0;
    this.quietTurns = 0;
    const storedJustNow = stores && nowMs - this.storedAtMs <= storeEveryMs;
    if (stores) this.storedAtMs = nowMs;
    if (storedJustNow || this.requests > busyRequests || this.requestsBefore > busyRequests)
      setTimeout(() => this.run(), storeEveryMs);
    else this.channel.port2.postMessage(null);
  }

  private count(nowMs: number): void {
    if (nowMs !== this.countedMs) {
      this.requestsBefore = nowMs - this.countedMs <= 2 ? this.requests : 0;
      this.requests = 0;
      this.countedMs = nowMs;
    }
    this.requests += 1;
  }

  private turn(): void {
    this.turns += 1;
    this.quietTurns = this.more > 0 ? 0 : this.quietTurns + 1;
    this.more = 0;
    if (this.quietTurns < this.quietTurnsWanted && this.turns < turnsMax) this.channel.port2.postMessage(null);
    else this.run();
  }

  private run(): void {
    this.pending = false;
    this.more = 0;
    this.work();
  }
}

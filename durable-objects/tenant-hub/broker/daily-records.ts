import type { IngestRecord } from "../../../core/rpc/data.ts";
import { dayEndMs, messageDay } from "../../../core/tenancy/message-day.ts";
import { limitsOf } from "../../../core/tenancy/plan.ts";

/** Where a day began: the number of the last record before its first. Stored with that first record. */
export interface BegunDay {
  /** Days since 1970 (UTC). */
  readonly day: number;
  readonly before: number;
}

/**
 * How far over the limit replies go, as a part of it. Whoever can't hear what devices answer to commands can't mend
 * what fills the day; without any bound replies would be the way round it.
 */
const repliesShare = 0.1;

/**
 * What one hub object has taken for history today: samples and replies of devices at any QoS, and their coming and
 * going. The outbox numbers its records anyway and never uses a number twice, so a day's count is the newest number
 * less the one that the day began with: one row a day, none a message, and nothing that a crash could lose or count
 * twice. What is only relayed leaves nothing behind and is bounded by its pace (rates.ts).
 */
export class DailyRecords {
  /** Records a day that this object takes. Written by the shell: it follows the organisation's plan. */
  limit = limitsOf("free").messages_a_day;
  private last: number;
  private begun: BegunDay | null;

  /**
   * @param last number of the newest record that was ever stored here, 0 for none
   * @param begun as it was stored; null: no record has come since there are days
   */
  constructor(last: number, begun: BegunDay | null) {
    this.last = last;
    this.begun = begun;
  }

  /** Today's records. A clock that goes back to yesterday does not make the day anew. */
  taken(nowMs: number): number {
    return this.takenOn(messageDay(nowMs));
  }

  /** {@link taken}. @param day days since 1970 (UTC) */
  takenOn(day: number): number {
    return this.begun === null || day > this.begun.day ? 0 : this.last - this.begun.before;
  }

  /** True when the day has no room for one more. Presence is never refused: nobody could be told. */
  isFull(kind: IngestRecord["kind"], nowMs: number): boolean {
    if (kind === "presence") return false;
    const limit = kind === "reply" ? this.limit + Math.ceil(this.limit * repliesShare) : this.limit;
    return this.taken(nowMs) >= limit;
  }

  /** Seconds until there is room again, ≥ 1. */
  resetSeconds(nowMs: number): number {
    const day = Math.max(messageDay(nowMs), this.begun?.day ?? 0);
    return Math.max(1, Math.ceil((dayEndMs(day) - nowMs) / 1000));
  }

  /** Counts a record that goes to the outbox. @returns what is to be stored with it when it is its day's first */
  add(nowMs: number): BegunDay | null {
    const day = messageDay(nowMs);
    const isFirst = this.begun === null || day > this.begun.day;
    if (isFirst) this.begun = { day, before: this.last };
    this.last += 1;
    return isFirst ? this.begun : null;
  }
}

/** Whoever waits longer than this for his turn meets an object that has fallen behind, in milliseconds. */
const behindMs = 3000;
/** How long nobody new is let in after that, in milliseconds. */
const closedMs = 1000;
/** A crowd: with fewer at the door, a stall is the machine's and turning them away would not help it. */
const crowdMin = 1000;
/** The longest a client is asked to stay away, in seconds: 5,000 of them come back over that time. */
const retryAfterSecondsMax = 15;

/**
 * Lets connections in while the object keeps up. After a release every device reconnects at once: those
 * that are connected already must be served, and whoever is turned away must not come back all together.
 */
export class Admission {
  private closedUntilMs = 0;

  /** How long something that was due at once has waited for its turn. */
  waited(sinceMs: number, nowMs: number): void {
    if (nowMs - sinceMs > behindMs) this.closedUntilMs = nowMs + closedMs;
  }

  /** @param waiting counts the sockets that are not connected yet; asked only when it matters */
  admits(nowMs: number, waiting: () => number): boolean {
    return nowMs >= this.closedUntilMs || waiting() < crowdMin;
  }

  /** @param random 0 ≤ random < 1 */
  retryAfterSeconds(random: number): number {
    return 1 + Math.floor(random * retryAfterSecondsMax);
  }
}

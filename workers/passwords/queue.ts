/** Requests that may wait while one is worked on: 20 × 0.2 s is 4 s, about as long as a person waits. */
export const waitingMax = 20;
/**
 * After so long a place is free again, in milliseconds: a request whose caller went away may be dropped by
 * the platform without another word. Three times as long as a full queue takes.
 */
const forgottenMs = 12_000;

/** A bounded number of requests. Hashing holds up the isolate, so that one runs at a time is given. */
export interface Queue {
  /** Runs the work when the turn comes; null when too many wait already, and then at once. */
  run<T>(work: () => T): Promise<T | null>;
}

/**
 * @param pause lets the isolate take in what has arrived meanwhile. Without it a full queue would be worked
 *   through before anybody hears that it is full.
 */
export function createQueue(now: () => number, pause: () => Promise<void>): Queue {
  /** Who is in it, by when they came. Written by `run` alone. */
  const waiting = new Map<symbol, number>();
  return {
    async run(work) {
      for (const [who, sinceMs] of waiting) if (now() - sinceMs > forgottenMs) waiting.delete(who);
      if (waiting.size > waitingMax) return null;
      const mine = Symbol("request");
      waiting.set(mine, now());
      try {
        await pause();
        return work();
      } finally {
        waiting.delete(mine);
      }
    },
  };
}

/** Requests that may wait while one is worked on: 20 × 0.2 s is 4 s, about as long as a person waits. */
export const waitingMax = 20;
/**
 * After so long a place is free again, in milliseconds, should the platform drop a request without another
 * word. Five times as long as a full queue takes: nobody is still waiting for it.
 */
const forgottenMs = 20_000;

/** A bounded number of requests, worked on one at a time in the order in which they came. */
export interface Queue {
  /** Runs the work when its turn comes; null when too many wait already, and then at once. */
  run<T>(work: () => T): Promise<T | null>;
}

/**
 * @param pause lets the isolate take in and send out what is waiting. The work holds it up: without pauses a
 *   full queue would be worked through before anybody hears that it is full, or their own outcome.
 */
export function createQueue(now: () => number, pause: () => Promise<void>): Queue {
  /** Who is in it, by when they came; the first one's turn it is. Written by `run` alone. */
  const inside = new Map<symbol, number>();
  return {
    async run(work) {
      for (const [who, sinceMs] of inside) if (now() - sinceMs > forgottenMs) inside.delete(who);
      if (inside.size > waitingMax) return null;
      const mine = Symbol("request");
      inside.set(mine, now());
      try {
        // Each looks for itself: a promise that another request settles would be lost with that request.
        while (inside.keys().next().value !== mine && inside.has(mine)) await pause();
        await pause();
        return work();
      } finally {
        inside.delete(mine);
      }
    },
  };
}

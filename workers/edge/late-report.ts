/**
 * Reports of one isolate that gather before they leave: at most one waits, whoever's request holds it.
 * @param pauseMs how long a report gathers, in milliseconds
 * @returns runs `send` after the pause; does nothing when another request's call is waiting already
 */
export function createLateReport(
  pauseMs: number,
  now: () => number,
): (pause: (ms: number) => Promise<void>, send: () => Promise<void>) => Promise<void> {
  /** Set while one request's `waitUntil` holds the pause. */
  let waitingSinceMs: number | null = null;
  return async (pause, send) => {
    // A waiting request may be cancelled with its counts unsent; after two pauses another takes over.
    if (waitingSinceMs !== null && now() - waitingSinceMs < 2 * pauseMs) return;
    waitingSinceMs = now();
    try {
      await pause(pauseMs);
      await send();
    } finally {
      waitingSinceMs = null;
    }
  };
}

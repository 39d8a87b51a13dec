import { setTimeout as delay } from "node:timers/promises";
import { cpuMs } from "./processes.ts";

export interface Watched {
  /** Answers as soon as the process gets to it; what it answers is of no account. */
  readonly url: URL;
  /** 0: there is none now. */
  readonly pid: () => number;
  /** CPU that it may take over one answer, in milliseconds. */
  readonly heldMsMax: number;
  /** It was ended. */
  readonly onEnded: () => void;
}

/** Between two looks, in milliseconds. */
const lookMs = 1_000;

/**
 * Ends a process that works on and on and answers nobody, as one thread does that never comes to an end; whoever
 * keeps it running starts it again. What it worked is counted and not how long it took: a process that a busy or
 * sleeping machine gave no time to has done nothing wrong.
 * @returns stops watching
 */
export function endWhenHeld({ url, pid, heldMsMax, onEnded }: Watched): () => void {
  const stopped = new AbortController();
  const { signal } = stopped;
  const watch = async (): Promise<void> => {
    for (;;) {
      await delay(lookMs, undefined, { signal });
      await lookAtOne();
    }
  };
  const lookAtOne = async (): Promise<void> => {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    // Any answer will do, and so does a refusal.
    fetch(url, { signal })
      .then((response) => response.body?.cancel())
      .then(over, over);
    await delay(lookMs, undefined, { signal });
    if (isOver) return;
    const held = pid();
    const before = cpuMs(held);
    for (let waitedMs = lookMs; !isOver && held !== 0; waitedMs += lookMs) {
      await delay(lookMs, undefined, { signal });
      if (isOver || pid() !== held) return;
      // Where nobody says how much it worked, it worked all the time.
      const worked = before === null ? waitedMs : (cpuMs(held) ?? before) - before;
      if (worked <= heldMsMax) continue;
      kill(held);
      onEnded();
      return;
    }
  };
  // Its one end is that it was stopped.
  watch().catch(() => undefined);
  return () => stopped.abort();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

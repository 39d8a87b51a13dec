import { permitMs } from "../../../core/limits.ts";
import type { RateDecision, RateLease } from "../../../core/rpc/durable-objects.ts";
import { createBoundedCache } from "../bounded-cache.ts";

/** Most permits asked for ahead of anybody who needs them: fifteen of sixteen counts are saved. */
export const permitBlockMax = 16;
/** Most permits asked for at once for those who wait already. `LimitsRpc.lease` takes up to 256. */
export const permitCrowdMax = 128;
/** Keys in one isolate: some 400 bytes each while they are busy, so under 2 MiB of its 128. */
const keysMax = 4096;
/**
 * A block takes at most this share of what the window has left. Permits that lapse stay counted; this way
 * they are few where room is short, and nobody is refused for the sake of permits that nobody used.
 */
const shareOfRemaining = 1 / 8;

/**
 * Longest pause, in milliseconds, before who waits for a block looks again. The first is one: about as long as
 * an object takes.
 */
const pauseMsMax = 64;

/** Requests that were counted ahead. All of it is one second's shortcut: what is lost was counted all the same. */
export interface Permits {
  /**
   * Takes one permit of `key`, from those that are left or from a new block.
   * @param lease asks for a block; called once at a time for a key
   * @throws whatever `lease` throws: the caller refuses
   */
  take(key: string, lease: (permits: number) => Promise<RateLease>): Promise<RateDecision>;
}

/** One key's block of permits. Nothing of it is used at or after a second from when it was asked for. */
interface Block {
  /** How many were asked for. */
  readonly size: number;
  /** Whether the object has still to answer. Written by `ask`, once. */
  asking: boolean;
  /** Permits that nobody has taken. Written by `ask`, once, and by `take`, downwards. */
  left: number;
  /** Those who came to wait for it and have had none of it, about: newcomers may be quicker. Written by `take`. */
  unserved: number;
  /** The object's answer; null before it and when there was none. Written by `ask`, once. */
  answer: RateDecision | null;
}

/** @param now Unix milliseconds */
export function createPermits(now: () => number): Permits {
  /** Written by `ask` alone. */
  const blocks = createBoundedCache<Block>(keysMax);

  async function ask(
    key: string,
    before: Block | undefined,
    lease: (permits: number) => Promise<RateLease>,
  ): Promise<RateDecision> {
    const block: Block = { size: nextSize(before), asking: true, left: 0, unserved: 0, answer: null };
    blocks.set(key, block, now() + permitMs);
    try {
      const { granted, decision } = await lease(block.size);
      block.answer = decision;
      // Its own is used at once, however long the answer took: it was counted for this very request.
      block.left = Math.max(0, granted - 1);
      return withLeft(decision, block.left);
    } finally {
      block.asking = false;
    }
  }

  return {
    async take(key, lease) {
      let waitedFor: Block | null = null;
      for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
        const block = blocks.get(key, now());
        if (block === undefined) return await ask(key, block, lease);
        if (!block.asking) {
          if (block.answer === null || block.left === 0) return await ask(key, block, lease);
          block.left -= 1;
          block.unserved -= 1;
          return withLeft(block.answer, block.left);
        }
        if (waitedFor !== block) block.unserved += 1;
        waitedFor = block;
        // On a timer of its own: a Worker may not wait for another request's I/O, and the one who asked may be
        // cancelled and never hear. Its block is forgotten after a second, answered or not.
        await pause(pauseMs);
        // The window was full while this one waited: refused as if it had asked.
        if (block.answer?.allowed === false) return block.answer;
      }
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Twice as many while blocks are used up within their second, and as many as wait. One for whoever comes
 * after a pause, a refusal or a failure.
 */
function nextSize(usedUp: Block | undefined): number {
  if (usedUp === undefined || usedUp.answer === null || !usedUp.answer.allowed) return 1;
  const share = Math.floor(usedUp.answer.remaining * shareOfRemaining);
  const ahead = Math.min(usedUp.size * 2, permitBlockMax, share);
  return Math.max(1, ahead, Math.min(usedUp.unserved, permitCrowdMax));
}

/** What is left for the client: what the object has left and what is left of its block. */
function withLeft(answer: RateDecision, left: number): RateDecision {
  return { ...answer, remaining: answer.remaining + left };
}

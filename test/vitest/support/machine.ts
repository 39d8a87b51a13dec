import { availableParallelism } from "node:os";

/**
 * Files at a time where each is a process of its own: as many as there are cores. Vitest itself leaves one of them to
 * its own process, which on two cores is half of the machine, and has little to do.
 */
export const everyCore = Math.max(2, availableParallelism());

/**
 * Milliseconds after which something hangs. No claim about speed: a machine that does ten things at a time takes ten
 * times as long, and what waits for a state is right as soon as the state is.
 */
export const patience = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000 } },
};

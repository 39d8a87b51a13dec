import { availableParallelism, totalmem } from "node:os";

/**
 * Files at a time where each is a process of its own: as many as there are cores. Vitest itself leaves one of them to
 * its own process, which on two cores is half of the machine, and has little to do.
 */
export const everyCore = Math.max(2, availableParallelism());

/**
 * Files at a time of the round that runs whole stacks, agents and browsers. Some wait a minute and more for what the
 * product does by itself, and leave the machine to others: two for each core, at 1.5 GB each with their browsers.
 */
export const wholeStacks = Math.max(3, Math.min(2 * everyCore, Math.floor(totalmem() / (2 * 1024 ** 3)), 8));

/**
 * Milliseconds after which something hangs. No claim about speed: a machine that does ten things at a time takes ten
 * times as long, and what waits for a state is right as soon as the state is.
 */
export const patience = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000 } },
};

/** Something did not answer in time. */
export class DeadlineExceeded extends Error {
  constructor(what: string) {
    super(`${what} did not answer in time`);
    this.name = "DeadlineExceeded";
  }
}

/**
 * Turns of the queue of microtasks that work may take before it gets a timer. An async function that asks nobody takes
 * one or two for each function that it calls; the gate of the exact limit, with a permit at hand, some ten.
 */
const turnsMax = 24;

/**
 * Waits at most `limitMs`. What is waited for is not cancelled (an RPC can't be), only no longer waited for.
 * @throws DeadlineExceeded
 */
export async function withDeadline<T>(what: string, limitMs: number, work: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  work.then(settle, settle);
  // A timer costs more than most gates: none for what has its answer before anything else can happen.
  for (let turn = 0; turn < turnsMax && !settled; turn += 1) await null;
  if (settled) return await work;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(what)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

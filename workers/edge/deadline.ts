/** Something did not answer in time. */
export class DeadlineExceeded extends Error {
  constructor(what: string) {
    super(`${what} did not answer in time`);
    this.name = "DeadlineExceeded";
  }
}

/**
 * Waits at most `limitMs`. What is waited for is not cancelled (an RPC can't be), only no longer waited for.
 * @throws DeadlineExceeded
 */
export async function withDeadline<T>(what: string, limitMs: number, work: Promise<T>): Promise<T> {
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

/**
 * Waits until all of it has ended, so that a part that is away holds up none of the rest.
 * @throws what the first of those that failed threw
 */
export async function allTried(works: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) if (outcome.status === "rejected") throw outcome.reason;
}

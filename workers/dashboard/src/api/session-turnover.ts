/**
 * A proof and a new factor bring a new session cookie, and the one before opens nothing from that moment
 * (ASVS 7.2.4). What another part of the page, or another tab, has sent meanwhile with the old one is
 * refused, and nobody is signed out for it: it waits until the new cookie is here, and asks again. A lock
 * of the origin (Web Locks) tells that in every tab at once.
 */
const lockName = "sentinel.session-turnover";

/** Runs a call whose answer may bring a new session cookie. */
export function duringTurnover<T>(work: () => Promise<T>): Promise<T> {
  const locks = locksHere();
  return locks === null ? work() : locks.request(lockName, { mode: "exclusive" }, work);
}

/** Resolves once no such call is under way, in any tab. */
export async function turnoverOver(): Promise<void> {
  await locksHere()?.request(lockName, { mode: "shared" }, async () => undefined);
}

/** Null outside a secure context, where the session's cookie is not kept either. */
function locksHere(): LockManager | null {
  return (navigator as { readonly locks?: LockManager }).locks ?? null;
}

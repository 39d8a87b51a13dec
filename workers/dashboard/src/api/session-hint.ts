/**
 * Whether somebody has signed in with this browser, as far as it remembers. It proves nothing: the
 * session is a cookie that no script can read, and the server judges that. It spares a visitor who never
 * signed in a request that can only be refused, and the browser's log an error for it.
 */
const storageKey = "sentinel.signed-in";

/** True when it may be so: also when storage is closed to us. */
export function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(storageKey) !== null;
  } catch {
    return true;
  }
}

export function rememberSignedIn(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(storageKey, "1");
    else localStorage.removeItem(storageKey);
  } catch {
    // Storage is closed to us: then the server is asked each time.
  }
}

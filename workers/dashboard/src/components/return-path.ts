/**
 * Where to go after signing in: a path of this site only, so that a crafted link can't send a
 * person who has just typed a password to another one.
 */
export function returnPath(wanted: string | null): string {
  if (wanted === null || !wanted.startsWith("/") || wanted.startsWith("//") || wanted.includes("\\")) return "/";
  const resolved = new URL(wanted, "https://here.invalid");
  if (resolved.origin !== "https://here.invalid" || isSignIn(resolved.pathname)) return "/";
  // `/.//evil.test` becomes `//evil.test` only once its dots are resolved.
  if (resolved.pathname.startsWith("//")) return "/";
  return resolved.pathname + resolved.search + resolved.hash;
}

/**
 * Where to sign in and come back from: for a page of an organisation that is its own door, which knows
 * its identity providers.
 */
export function signInPath(from: {
  readonly pathname: string;
  readonly search: string;
  readonly hash?: string;
}): string {
  const next = from.pathname + from.search + (from.hash ?? "");
  const root = /^\/o\/[^/]+/.exec(from.pathname)?.[0] ?? "";
  const door = `${root}/sign-in`;
  return next === (root === "" ? "/" : root) ? door : `${door}?next=${encodeURIComponent(next)}`;
}

/** Back to a sign-in page would be a circle. */
function isSignIn(pathname: string): boolean {
  return pathname.startsWith("/sign-in") || /^\/o\/[^/]+\/sign-in$/.test(pathname);
}

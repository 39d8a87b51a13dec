/**
 * Where to go after signing in: a path of this site only, so that a crafted link can't send a
 * person who has just typed a password to another one.
 */
export function returnPath(wanted: string | null): string {
  if (wanted === null || !wanted.startsWith("/") || wanted.startsWith("//") || wanted.includes("\\")) return "/";
  const resolved = new URL(wanted, "https://here.invalid");
  if (resolved.origin !== "https://here.invalid" || resolved.pathname === "/sign-in") return "/";
  // `/.//evil.test` becomes `//evil.test` only once its dots are resolved.
  if (resolved.pathname.startsWith("//")) return "/";
  return resolved.pathname + resolved.search + resolved.hash;
}

export function signInPath(from: {
  readonly pathname: string;
  readonly search: string;
  readonly hash?: string;
}): string {
  const next = from.pathname + from.search + (from.hash ?? "");
  return next === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(next)}`;
}

/**
 * The request target as it came, before any parser has tidied it. Everything behind the edge sees
 * the same string: what this file does not accept is answered here and goes no further.
 */
export interface RequestTarget {
  /** Begins with `/`; nothing decoded, nothing resolved. */
  readonly rawPath: string;
  /** Without the `?`; null when there is none. */
  readonly rawQuery: string | null;
  /** Length of path and query in bytes of UTF-8. */
  readonly bytes: number;
  /** The request's own scheme, host and port. */
  readonly origin: string;
  /** Whether the path has exactly one reading (see {@link isUnambiguousPath}). */
  readonly unambiguous: boolean;
}

/** Splits an absolute URL by its text; `new URL` would already have resolved `..` and turned `\` into `/`. */
export function readRequestTarget(url: string): RequestTarget {
  const authorityAt = url.indexOf("://") + 3;
  const target = /[/?#\\]/.exec(url.slice(authorityAt));
  const raw = target === null ? "/" : url.slice(authorityAt + target.index);
  const queryAt = raw.indexOf("?");
  const rawPath = queryAt === -1 ? raw : raw.slice(0, queryAt);
  const rawQuery = queryAt === -1 ? null : raw.slice(queryAt + 1);
  const parsed = new URL(url);
  return {
    rawPath,
    rawQuery,
    bytes: new TextEncoder().encode(raw).length,
    origin: parsed.origin,
    // The parser must agree with the text: then whoever parses the URL again reads the same route.
    unambiguous: isUnambiguousPath(rawPath) && parsed.pathname === rawPath && !raw.includes("#"),
  };
}

/**
 * True when every parser reads the path alike. No route, identifier, slug or file name of ours needs
 * more than RFC 3986's unreserved characters, so nothing else is taken:
 * - no `%` at all: decoding is where two servers differ (`%2f`, `%2e`, `%252e`, overlong UTF-8), and a
 *   path without it is its own decoded form;
 * - no `\` (some parsers read it as `/`), no `;` (path parameters), no control or non-ASCII character;
 * - no empty segment (`//`, a trailing `/`), no `.` or `..` segment (resolved by parsers, `..;` by some).
 * `/` alone is the root.
 */
export function isUnambiguousPath(path: string): boolean {
  if (path === "/") return true;
  if (!path.startsWith("/")) return false;
  return path
    .slice(1)
    .split("/")
    .every((segment) => /^[A-Za-z0-9._~-]+$/.test(segment) && !/^\.{1,2}$/.test(segment));
}

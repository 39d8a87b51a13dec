/** Which paths of a backend may be called: matched as they are written, so that no two parsers can disagree. */

export const backendMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type BackendMethod = (typeof backendMethods)[number];

/** One part of a pattern: a text that is itself, or the name of what it takes. */
export type PatternSegment =
  | { readonly takes: "itself"; readonly text: string }
  | { readonly takes: "one"; readonly name: string };

/** More say more than a path of an API does. */
export const segmentsMax = 16;
/**
 * Characters that mean themselves to every server (RFC 3986 §2.3), without `%`: what is not encoded can't be decoded
 * into something else behind us. No dot alone and no two, which would climb.
 */
const segmentPattern = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/;

/** Reads `/students/{student}/marks`. @returns null when it is none */
export function parsePathPattern(text: string): readonly PatternSegment[] | null {
  if (!text.startsWith("/")) return null;
  const parts = text.slice(1).split("/");
  if (parts.length > segmentsMax) return null;
  const segments: PatternSegment[] = [];
  for (const part of parts) {
    const name = /^\{([a-z][a-z0-9_]{0,31})\}$/.exec(part)?.[1];
    if (name !== undefined) segments.push({ takes: "one", name });
    else if (segmentPattern.test(part)) segments.push({ takes: "itself", text: part });
    else return null;
  }
  return segments;
}

/** Writes a pattern down again. */
export const patternText = (pattern: readonly PatternSegment[]): string =>
  `/${pattern.map((part) => (part.takes === "itself" ? part.text : `{${part.name}}`)).join("/")}`;

/**
 * Finds the first route that takes a method and a path.
 * @param rest the path as the client wrote it, without a slash before it, not decoded
 * @returns null when none does
 */
export function findBackendRoute<
  R extends { readonly methods: readonly BackendMethod[]; readonly path: readonly PatternSegment[] },
>(routes: readonly R[], method: BackendMethod, rest: string): R | null {
  const segments = rest.split("/");
  if (segments.length > segmentsMax || !segments.every((segment) => segmentPattern.test(segment))) return null;
  return routes.find(({ methods, path }) => methods.includes(method) && takes(path, segments)) ?? null;
}

const takes = (pattern: readonly PatternSegment[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, index) => part.takes === "one" || part.text === segments[index]);

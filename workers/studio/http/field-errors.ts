import type { z } from "@hono/zod-openapi";

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Errors in one answer; a body of junk must not make a larger one. */
const errorsMax = 20;
/** Longest path shown, in characters: a client's own field name may be in it. */
const pathCharactersMax = 120;

/** What is wrong and where, in our own words: a schema library's messages may quote the value. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.slice(0, errorsMax).map((issue) => {
    const keys = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
    return { path: keys.map(String).join(".").slice(0, pathCharactersMax), message: messageOf(issue) };
  });
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "is not known here";
    case "invalid_type":
      return `must be of type ${issue.expected}`;
    case "too_small":
      return `must be at least ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `must be at most ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "custom":
      // Only our own schemas make these, with fixed texts.
      return issue.message;
    default:
      return "is malformed";
  }
}

function unit(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " items long" : "";
}

/** Deepest JSON that is looked into; every schema of ours is far below. */
const depthMax = 32;

/** The path of a string or key that holds NUL, which Postgres's text can't store; null if there is none. */
export function findNul(value: unknown, path = "", depth = 0): string | null {
  if (typeof value === "string") return value.includes("\0") ? path : null;
  if (typeof value !== "object" || value === null) return null;
  if (depth > depthMax) return path;
  for (const [key, inner] of Object.entries(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (key.includes("\0")) return path;
    const found = findNul(inner, at, depth + 1);
    if (found !== null) return found.slice(0, pathCharactersMax);
  }
  return null;
}

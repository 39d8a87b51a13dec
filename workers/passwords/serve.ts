import { createHash, timingSafeEqual } from "node:crypto";
import {
  type Busy,
  busyRetrySeconds,
  type HashOutcome,
  hashPath,
  passwordUnitsMax,
  readyPath,
  type VerifyOutcome,
  verifyPath,
} from "../../core/rpc/passwords.ts";
import type { Hasher } from "./hasher.ts";

/** A password of the longest kind, escaped as JSON in full, and a hash: anything larger is no request of studio's. */
const bodyBytesMax = 8 * 1024;
/** A PHC string of ours has 90. */
const storedCharactersMax = 256;

/**
 * Answers one request. Whoever does not have the token learns nothing; nothing of a request is ever logged.
 * @param token at least 32 characters; studio has the same
 */
export async function serve(request: Request, token: string, hasher: Hasher): Promise<Response> {
  if (!sameText(request.headers.get("Authorization") ?? "", `Bearer ${token}`))
    return new Response(null, { status: 401 });
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname === readyPath) return new Response(null, { status: 204 });
  if (request.method !== "POST" || (pathname !== hashPath && pathname !== verifyPath))
    return new Response(null, { status: 404 });
  const asked = parse(await readText(request));
  if (asked === null) return new Response(null, { status: 400 });
  if (pathname === hashPath) return answer(await hasher.hash(asked.password));
  // Absent is not "nobody": a request without the field is none of studio's.
  if (asked.stored === undefined) return new Response(null, { status: 400 });
  return answer(await hasher.verify(asked.password, asked.stored));
}

function answer(outcome: HashOutcome | VerifyOutcome | Busy): Response {
  if (outcome.kind !== "busy") return Response.json(outcome);
  return Response.json(outcome, { status: 503, headers: { "Retry-After": String(busyRetrySeconds) } });
}

/** The body, or null when it is larger than any request of ours. */
async function readText(request: Request): Promise<string | null> {
  if (Number(request.headers.get("Content-Length") ?? "0") > bodyBytesMax) return null;
  const bytes = await request.arrayBuffer();
  return bytes.byteLength > bodyBytesMax ? null : new TextDecoder().decode(bytes);
}

function parse(text: string | null): { password: string; stored: string | null | undefined } | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { password, stored } = value as { password?: unknown; stored?: unknown };
  if (typeof password !== "string" || password.length === 0 || password.length > passwordUnitsMax) return null;
  if (stored === undefined || stored === null) return { password, stored };
  return typeof stored === "string" && stored.length <= storedCharactersMax ? { password, stored } : null;
}

/** In constant time, whatever the lengths. */
function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

import type { JWK } from "jose";
import { describeLogKeys } from "../../../core/audit/log-keys.ts";
import { sha256Base64url } from "../../../core/mesh/hash.ts";
import { keySetFreshMs } from "../../../core/mesh/keys.ts";
import { problemResponse } from "../../../core/problem.ts";
import type { Admitted } from "../gates/gate.ts";
import { securityTxt } from "../security-txt.ts";
import type { KnownRoute } from "./known-route.ts";

/** The routes that the edge answers by itself. */
export async function answerHere(admitted: Admitted, { match }: KnownRoute): Promise<Response> {
  switch (match.name) {
    case "health":
      return Response.json({ status: "ok" });
    case "jwks":
      return await serveKeys(admitted);
    case "logKeys":
      return await serveLogKeys(admitted);
    case "securityTxt":
      return serveSecurityTxt(admitted);
    case "asset":
    case "favicon":
      return await serveFile(admitted, admitted.target.rawPath);
    case "agentProgram":
      return await serveAgent(admitted);
    case "dashboard":
    case "dashboardOrg":
    case "dashboardOrgPage":
    case "signInPage":
    case "registerPage":
    case "breakGlassPage":
    case "verifyEmailPage":
    case "invitationPage":
    case "signInCallbackPage":
    case "forgotPasswordPage":
    case "resetPasswordPage":
    case "confirmEmailPage":
    case "accountSecurityPage":
      return await serveShell(admitted);
    default:
      throw new Error(`the route ${match.name} says that the edge serves it, and nothing here does`);
  }
}

/**
 * As long as our own units use a set: far shorter than the day a new key is published before it signs, so
 * nobody who heeds it meets an unknown key, and a revoked one is gone from their caches as from ours.
 */
async function serveKeys({ request, env }: Admitted): Promise<Response> {
  const body = JSON.stringify({ keys: publicMembers((await env.PUBLIC_KEYS.accessKeys()).keys) });
  const etag = `"${await sha256Base64url(body)}"`;
  const headers = { "Cache-Control": `public, max-age=${keySetFreshMs / 1000}`, ETag: etag };
  // RFC 9110 §13.1.2; weak comparison, as a proxy may have weakened what it kept.
  const known = (request.headers.get("If-None-Match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, "Content-Type": "application/json" } });
}

/** Kept for as short as the others: a log's key changes only when it has to, and then soon. */
async function serveLogKeys({ env }: Admitted): Promise<Response> {
  const headers = { "Cache-Control": `public, max-age=${keySetFreshMs / 1000}` };
  return Response.json(describeLogKeys((await env.PUBLIC_KEYS.logKeys()).keys), { headers });
}

/** Kept for an hour: an address that was changed must be found soon. */
function serveSecurityTxt({ isolate, env, nowMs, requestId }: Admitted): Response {
  const text = securityTxt(isolate.securityContact, `${env.ISSUER}/.well-known/security.txt`, nowMs);
  if (text === null) return problemResponse("not_found", requestId);
  const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=3600" };
  return new Response(text, { headers });
}

/** Names each member that may leave, so that a private `d` can't, whoever puts one there. */
function publicMembers(keys: readonly JWK[]): JWK[] {
  return keys.map(({ kty, crv, x, kid, alg, use }) => {
    const shown = { kty, crv, x, kid, alg, use };
    return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)) as JWK;
  });
}

/** The application's shell: one page for every address; its scripts read the address. */
async function serveShell(admitted: Admitted): Promise<Response> {
  const answer = await askAssets(admitted, "/");
  if (answer.status !== 200 && answer.status !== 304) return problemResponse("not_found", admitted.requestId);
  return fileResponse(answer, "no-cache");
}

async function serveFile(admitted: Admitted, path: string): Promise<Response> {
  const answer = await askAssets(admitted, path);
  const type = answer.headers.get("Content-Type") ?? "";
  // For a file that is not there the assets binding answers with the shell: as a script it would only confuse.
  const isShell = answer.status === 200 && type.startsWith("text/html");
  if ((answer.status !== 200 && answer.status !== 304) || isShell)
    return problemResponse("not_found", admitted.requestId);
  return fileResponse(answer, isHashed(path) ? "public, max-age=31536000, immutable" : "public, max-age=3600");
}

/** To be kept as a file and run by Node, never by a browser; asked for again each time, as its name never changes. */
async function serveAgent(admitted: Admitted): Promise<Response> {
  const response = await serveFile(admitted, admitted.target.rawPath);
  if (response.status !== 200 && response.status !== 304) return response;
  response.headers.set("Content-Type", "text/javascript; charset=utf-8");
  response.headers.set("Content-Disposition", 'attachment; filename="sentinel-agent.mjs"');
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

/** The build puts a hash of the content into the name (`index-BX3k9_aQ.js`): another content is another name. */
function isHashed(path: string): boolean {
  return /-[A-Za-z0-9_-]{8}\.[a-z0-9]{2,5}$/.test(path);
}

async function askAssets({ request, env, target }: Admitted, path: string): Promise<Response> {
  const headers = new Headers();
  const known = request.headers.get("If-None-Match");
  if (known !== null) headers.set("If-None-Match", known);
  return await env.ASSETS.fetch(`${target.origin}${path}`, { headers });
}

function fileResponse(answer: Response, cacheControl: string): Response {
  const headers = new Headers({ "Cache-Control": cacheControl });
  for (const name of ["Content-Type", "ETag"]) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(answer.body, { status: answer.status, headers });
}

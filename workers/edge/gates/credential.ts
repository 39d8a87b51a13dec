import { apiKeyPattern, apiKeyPrefix } from "../../../core/routes/api-keys.ts";
import { operatorTokenPattern, operatorTokenPrefix } from "../../../core/routes/operator.ts";
import type { RouteMatch } from "../../../core/routes.ts";
import { deviceTokenPrefix, type PresentedCredential, readPresentedCredential } from "../presented-credential.ts";
import { comesFromElsewhere, provesOwnOrigin } from "../same-origin.ts";
import { exchangeSession, recallSession, type UserCredential, verifyBearer } from "../verify-credential.ts";
import type { Additions, Denial, Gate, GateResult, RequestContext } from "./gate.ts";
import { remoteDeadlineMs } from "./gate.ts";

type Result = GateResult<Pick<Additions, "credential">>;

/**
 * Who asks: a bearer token or the session cookie. It verifies that a credential is genuine; what its
 * owner may do is studio's and the hub's to decide.
 */
export const credentialGate: Gate<"geo", "credential"> = {
  name: "credential",
  appliesTo: "known_route",
  needs: ["geo"],
  adds: ["credential"],
  deadlineMs: remoteDeadlineMs,
  async judge(context): Promise<Result> {
    const { request, target, resolution } = context;
    if (resolution.kind === "miss") throw new Error("a miss reached the credential gate");
    const { match } = resolution;
    const presented = readPresentedCredential(request.headers);
    if (match.route.servedBy === "edge") return await recognise(presented, context);
    if (match.route.policy.kind === "operator") return judgeOperator(presented);
    // A browser sends its cookie by itself, and a page's form no proof that it is ours: neither is asked for.
    if (match.route.cookieless !== null && !isBearer(presented)) return allow({ kind: "none" });
    if (isForged(presented, match, request, target.origin)) return { kind: "deny", code: "csrf_denied" };

    switch (presented.kind) {
      case "none":
        return withoutSession(match);
      case "malformed":
        return presented.source === "bearer" ? invalidBearer : withoutSession(match);
      case "bearer":
        return await judgeBearer(presented.token, match, context);
      case "cookie": {
        const org = resolution.org?.org ?? context.geo.claimed?.org ?? null;
        const { requestId, env, isolate, nowMs } = context;
        const user = await exchangeSession(presented.secret, org, requestId, env, isolate, nowMs);
        return user === null ? withoutSession(match) : allow(user);
      }
    }
  },
};

/**
 * What the edge serves by itself is the same for everybody, so no credential is needed and none is
 * exchanged. A session this isolate already knows only decides who is counted: a school behind one
 * address should not share one count of files.
 */
async function recognise(
  presented: PresentedCredential,
  { isolate, resolution, nowMs }: RequestContext,
): Promise<Result> {
  if (presented.kind !== "cookie") return allow({ kind: "none" });
  const org = resolution.kind === "route" ? (resolution.org?.org ?? null) : null;
  return allow((await recallSession(presented.secret, org, isolate, nowMs)) ?? { kind: "none" });
}

/**
 * Passed on untouched, like a device's token: only studio can verify it. Anything else, a person's
 * session too, gets what a path that does not exist gets; a cookie is never looked at, so there is
 * nothing here for another site to forge.
 */
function judgeOperator(presented: PresentedCredential): Result {
  if (presented.kind !== "bearer" || !operatorTokenPattern.test(presented.token))
    return { kind: "deny", code: "not_found" };
  return allow({ kind: "operator", token: presented.token });
}

async function judgeBearer(token: string, match: RouteMatch, context: RequestContext): Promise<Result> {
  if (match.name === "mqtt" && token.startsWith(deviceTokenPrefix)) return allow({ kind: "device", token });
  // It opens the operator's own routes and nothing else; elsewhere it is a mistake worth a plain refusal.
  if (token.startsWith(operatorTokenPrefix)) return invalidBearer;
  const user = token.startsWith(apiKeyPrefix)
    ? await judgeApiKey(token, context)
    : await verifyBearer(token, context.isolate, context.nowMs);
  return user === null ? invalidBearer : allow(user);
}

/** What can't be a key of ours is refused without asking anybody. */
async function judgeApiKey(key: string, context: RequestContext): Promise<UserCredential | null> {
  if (!apiKeyPattern.test(key)) return null;
  const { resolution, requestId, env, isolate, nowMs } = context;
  const org = resolution.kind === "route" ? (resolution.org?.org ?? null) : null;
  return await exchangeSession(key, org, requestId, env, isolate, nowMs);
}

/**
 * Cross-site request forgery. A cookie pays for a write or a WebSocket only with proof that our own
 * page asked; a write without any credential (sign-in, registration, enrolment) is refused when a
 * browser says that another site asked, so that nobody is signed in as somebody else unawares. A
 * bearer token is never sent by a browser of its own accord.
 */
function isForged(
  presented: PresentedCredential,
  { name, route }: RouteMatch,
  request: Request,
  origin: string,
): boolean {
  if (isBearer(presented)) return false;
  const writes = route.method !== "GET";
  if (presented.kind === "cookie" && (writes || name === "mqtt")) return !provesOwnOrigin(request.headers, origin);
  return writes && comesFromElsewhere(request.headers, origin);
}

const isBearer = (presented: PresentedCredential): boolean =>
  presented.kind === "bearer" || (presented.kind === "malformed" && presented.source === "bearer");

const allow = (credential: Additions["credential"]): Result => ({
  kind: "allow",
  adds: { credential },
});

/** RFC 6750 §3. */
const unauthenticated: Denial = {
  kind: "deny",
  code: "unauthenticated",
  headers: { "WWW-Authenticate": 'Bearer realm="sentinel"' },
};
const invalidBearer: Denial = {
  kind: "deny",
  code: "invalid_token",
  headers: { "WWW-Authenticate": 'Bearer realm="sentinel", error="invalid_token"' },
};

/**
 * A cookie that names no session is as good as none. The browser is not told to forget it: a proof may have
 * replaced the session while this request was under way, and the browser would forget the new cookie.
 */
function withoutSession(match: RouteMatch): Result {
  return match.route.policy.kind === "public" ? allow({ kind: "none" }) : unauthenticated;
}

import { parseId, type SessionId, type UserId } from "../../../../core/ids.ts";
import { verifyAccessToken } from "../../../../core/mesh/access.ts";
import type { VerifiedAccess } from "../../../../core/mesh/claims.ts";
import { CallRefused } from "../../../../core/mesh/refused.ts";
import type { ProblemCode } from "../../../../core/problem.ts";
import { findOwnSession, findSession, type LiveSession } from "../../../../store/control/sessions.ts";
import { isOperator } from "../../auth/operator.ts";
import { refuse } from "../../http/result.ts";
import { Unavailable } from "../../unavailable.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/**
 * Verifies the access token, then reads session, person and membership in one round trip (where no organisation
 * is addressed, what is the person's own): the token says who it was made for, the database whether that holds.
 */
export async function authenticate(exchange: Exchange): Promise<Verdict> {
  const { definition, request, services } = exchange;
  if (definition.spec.policy.kind === "public") return proceed;
  const header = request.headers.get("Authorization");
  if (definition.spec.policy.kind === "operator") {
    exchange.operator = isOperator(header, services.operatorTokenSha256);
    // Whoever is not the operator learns nothing of these routes, not even that a token would help.
    return exchange.operator ? proceed : { kind: "refuse", refusal: refuse("not_found") };
  }
  if (header === null) return unauthenticated("unauthenticated");
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
  if (token === undefined) return unauthenticated("invalid_token");

  const claims = await verify(exchange, token);
  if (claims === null) return unauthenticated("invalid_token");
  const id = parseId("session", claims.sid);
  if (id === null) return unauthenticated("invalid_token");
  const session = await readSession(exchange, { id, user: claims.sub });
  if (session === null) return unauthenticated("invalid_token");

  exchange.person = session.person;
  exchange.presented = { token, access: claims, found: session };
  exchange.membership = session.membership;
  return proceed;
}

async function readSession(
  exchange: Exchange,
  which: { readonly id: SessionId; readonly user: UserId },
): Promise<LiveSession | null> {
  const { definition, params, services } = exchange;
  if (definition.spec.policy.kind === "permission") {
    return findSession(services.database, which, params["org"] ?? null, services.now());
  }
  const found = await findOwnSession(services.database, which, services.now());
  exchange.own = found?.own ?? null;
  return found;
}

async function verify({ services }: Exchange, token: string): Promise<VerifiedAccess | null> {
  try {
    return await verifyAccessToken(token, services.accessKeys, services.now());
  } catch (error) {
    if (error instanceof CallRefused) return null;
    throw new Unavailable("public keys");
  }
}

/** RFC 6750 §3: a 401 names the scheme, and an error only when a token was there. */
function unauthenticated(code: Extract<ProblemCode, "unauthenticated" | "invalid_token">): Verdict {
  const challenge = code === "invalid_token" ? 'Bearer error="invalid_token"' : "Bearer";
  return { kind: "refuse", refusal: refuse(code, { headers: { "WWW-Authenticate": challenge } }) };
}

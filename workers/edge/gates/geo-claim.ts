import { decodeJwt } from "jose";
import type { OrgPolicy } from "../../../core/tenancy/policy.ts";
import { findPolicy } from "../policies.ts";
import type { PresentedCredential } from "../presented-credential.ts";
import type { RequestContext } from "./gate.ts";

/**
 * Names the organisation that a request of one's own (`/me`) is made for, where the path names none: its id or
 * slug. It decides nothing by itself: the credential must turn out to be for that organisation.
 */
export const organisationHeader = "Sentinel-Organisation";

/**
 * The organisation by whose policy a request of one's own asks to be judged, when the platform's refuses it: the
 * header's, else the token's. Looked for only with a credential at hand, and read from the policy store alone, so
 * that from a country which no organisation of theirs allows nobody reaches the verification of credentials.
 * @returns null when there is none
 * @throws whatever the policy store throws: the gate refuses
 */
export async function claimedPolicy(
  context: RequestContext,
  presented: PresentedCredential,
): Promise<OrgPolicy | null> {
  const { resolution, request, env, isolate, nowMs } = context;
  if (resolution.kind === "miss" || resolution.org !== null) return null;
  if (resolution.match.route.policy.kind !== "signed_in") return null;
  if (presented.kind !== "bearer" && presented.kind !== "cookie") return null;
  const named = request.headers.get(organisationHeader) ?? tokensOrg(presented);
  return named === null ? null : await findPolicy(named, env.POLICIES, isolate.policies, nowMs);
}

/** What an unverified token says it is for; the credential gate verifies it before anything comes of it. */
function tokensOrg(presented: PresentedCredential): string | null {
  if (presented.kind !== "bearer") return null;
  try {
    const { org } = decodeJwt(presented.token);
    return typeof org === "string" ? org : null;
  } catch {
    return null;
  }
}

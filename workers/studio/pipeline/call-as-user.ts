import type { RequestId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Audience } from "../../../core/mesh/workloads.ts";
import type { TokenSubject } from "../auth/scoped-tokens.ts";
import type { Services } from "../services.ts";

/** A person within one organisation, read from the database by whoever holds this. */
export type ScopedSubject = TokenSubject & { readonly scope: NonNullable<TokenSubject["scope"]> };

/** A call inward on behalf of a person within one organisation, by a token signed for exactly that. */
export async function callAsUser(
  services: Services,
  subject: ScopedSubject,
  audience: Audience,
  requestId: RequestId,
): Promise<SignedCall> {
  const { token } = await services.scopedTokens.forCalls(subject, requestId);
  return services.caller.asUser(audience, token, requestId);
}

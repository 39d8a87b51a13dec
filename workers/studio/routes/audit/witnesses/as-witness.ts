import type { OrgId } from "../../../../../core/ids.ts";
import type { SignedCall } from "../../../../../core/mesh/claims.ts";
import { findWitness } from "../../../../../store/control/audit-witnesses.ts";
import { sha256Hex } from "../../../auth/keys.ts";
import type { RequestContext } from "../../../pipeline/request-context.ts";

/** Whom a witness's token speaks for, and the one call it is good for. */
export interface WitnessAccess {
  readonly verifier: string;
  /** By the job that sees checkpoints and nothing of what people did. */
  call(): Promise<SignedCall>;
}

/** Null unless the token is a witness's of the organisation in the path: another's is worth nothing here. */
export async function asWitness(context: RequestContext, token: string): Promise<WitnessAccess | null> {
  const { services, requestId, orgReference } = context;
  if (orgReference === null) return null;
  const found = await findWitness(services.database, orgReference, sha256Hex(token));
  if (found === null) return null;
  const org: OrgId = found.org;
  return {
    verifier: found.verifier,
    call: () => services.caller.asJob("durable-objects.audit-reader", "audit_witness", org, requestId),
  };
}

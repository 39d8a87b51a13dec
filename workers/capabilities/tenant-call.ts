import type { OrganisationKeys } from "../../core/crypto/data-key-ring.ts";
import type { SignedCall, VerifiedCall } from "../../core/mesh/claims.ts";
import type { MeshKeys } from "../../core/mesh/keys.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import { verifyCall } from "../../core/mesh/verify.ts";
import { type ConnectionSource, openTenantDatabase, type TenantDatabase } from "../../store/tenant/tenant-database.ts";
import { type TenantScope, tenantScope } from "../../store/tenant/tenant-scope.ts";

/** What it takes to admit a call to one tenant's things. */
export interface TenantCallDependencies {
  readonly keys: MeshKeys;
  /** For one verified call, the source of its database connection. */
  readonly connections: (call: SignedCall) => ConnectionSource;
  /** For one verified call, its organisation's data keys. */
  readonly dataKeys: (call: SignedCall, verified: VerifiedCall) => OrganisationKeys;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** A verified call's tenant and actor, and what is bound to them. */
export interface TenantCall {
  readonly scope: TenantScope;
  readonly database: TenantDatabase;
  /** Seals what is stored and opens it again. @throws KeyUnavailable */
  readonly dataKeys: OrganisationKeys;
}

/** A method of a capability after admission: the signed call has become the context that it allows. */
export type Handler<Method, Context> = Method extends (call: SignedCall, ...rest: infer Rest) => infer Answer
  ? (context: Context, ...rest: Rest) => Answer
  : never;

/**
 * Verifies a call, before any side effect.
 * @param mayCall whether its actor may do this
 * @returns null when the call is genuine and its actor may not
 * @throws CallRefused when it is not genuine, or not what is expected
 */
export async function admitTenantCall(
  { keys, connections, dataKeys, gateway, now }: TenantCallDependencies,
  expect: Parameters<typeof verifyCall>[1],
  mayCall: (actor: TenantScope["actor"]) => boolean,
  call: SignedCall,
): Promise<TenantCall | null> {
  const verified = await verifyCall(call, expect, keys, now());
  const scope = tenantScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  if (!mayCall(scope.actor)) return null;
  return {
    scope,
    database: openTenantDatabase(scope, connections(call), gateway),
    dataKeys: dataKeys(call, verified),
  };
}

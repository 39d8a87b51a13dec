import type { OrgId, UserId } from "../../core/ids.ts";
import type { VerifiedCall } from "../../core/mesh/claims.ts";
import type { Job } from "../../core/mesh/workloads.ts";
import type { Role } from "../../core/tenancy/roles.ts";

/** Who acts: a person in a role, or a job. */
export type Actor =
  | { readonly kind: "user"; readonly user: UserId; readonly role: Role }
  | { readonly kind: "job"; readonly job: Job };

declare const scoped: unique symbol;
/**
 * The authority to work in one tenant's schema for one request. Made from a verified call and from
 * nothing else, so that nobody can reach a tenant by naming it.
 */
export interface TenantScope {
  readonly [scoped]: true;
  readonly org: OrgId;
  /** The request that all of this belongs to; written as the receipt of each change. */
  readonly requestId: string;
  readonly actor: Actor;
}

/** The scope of a verified call; null for a call that belongs to no organisation. */
export function tenantScope(call: VerifiedCall): TenantScope | null {
  if (call.org === null) return null;
  const actor: Actor =
    call.kind === "user" ? { kind: "user", user: call.sub, role: call.role } : { kind: "job", job: call.job };
  return { org: call.org, requestId: call.rid, actor } as TenantScope;
}

/**
 * What a cached connection may be shared by: the same actor in the same role of the same tenant.
 * None of the parts can hold a space, so two actors never share a key.
 */
export function scopeKey(scope: TenantScope): string {
  const { actor, org } = scope;
  return actor.kind === "user" ? `${org} user ${actor.user} ${actor.role}` : `${org} job ${actor.job}`;
}

import type { TenantIdentifier } from "../../core/tenancy/identifiers.ts";
import type { Placement } from "./config.ts";

/** The address a tenant's own role connects to. Neither part needs encoding: base32 and base64url. */
export function tenantUrl(placement: Placement, role: TenantIdentifier, password: string): string {
  return `postgres://${role}:${password}@${placement.tenantHost}`;
}

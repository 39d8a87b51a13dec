import type { OrgId } from "../ids.ts";

declare const identifierBrand: unique symbol;
/** The Postgres name of a tenant's schema and of its LOGIN role (both are the same word). */
export type TenantIdentifier = string & { readonly [identifierBrand]: true };

/**
 * The only way from an organisation to a Postgres identifier: `t_` + the 26 base32 characters of
 * the id. Nothing in it ever needs quoting (a–z, 0–9 and `_` only), and 28 characters stay under
 * Postgres's 63-byte limit.
 */
export function tenantIdentifier(org: OrgId): TenantIdentifier {
  const name = `t_${org.slice("org_".length)}`;
  if (!/^t_[0-9a-z]{26}$/.test(name)) throw new Error("an OrgId that was never parsed reached SQL");
  return name as TenantIdentifier;
}

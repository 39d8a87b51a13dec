import { hmacPads, rowScopeKey } from "../../../core/crypto/tenant-keys.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import type { Statement } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { type DataConfig, rootNamed } from "../config.ts";
import type { TenantPlacement } from "../directory.ts";
import { scopeKeyStatement } from "../provisioner/tenant-schema.ts";

/**
 * How long scopes of the root before stay good, in milliseconds. Six minutes would do (a scope's own five and one
 * that its maker may have known the old root for); a change that was cut short between role and directory gets a
 * day to be finished in. A scope opens nothing without a login, and the old root's passwords are refused at once.
 */
export const previousScopesMs = 24 * 3_600_000;

/**
 * The statement that writes what a tenant's schema checks row scopes with: of the root that it stands on, and in
 * the midst of a change of roots of both.
 */
export async function scopeKeyOf(
  config: DataConfig,
  { org }: OrgScope,
  { passwordRoot, rotatingTo, rotatingRoot }: TenantPlacement,
): Promise<Statement> {
  const pads = async (root: string | null) => hmacPads(await rowScopeKey(rootNamed(config, root), org));
  const name = tenantIdentifier(org);
  const changes = rotatingTo !== null && rootNamed(config, rotatingRoot) !== rootNamed(config, passwordRoot);
  if (!changes) return scopeKeyStatement(name, await pads(passwordRoot));
  return scopeKeyStatement(name, await pads(rotatingRoot), { ...(await pads(passwordRoot)), forMs: previousScopesMs });
}

/** The passwords that a tenant's role may have just now: of its epoch, and of the next one while it rotates. */
import { tenantPassword } from "../../../core/crypto/tenant-keys.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { type DataConfig, findRoot, rootNamed } from "../config.ts";
import type { TenantPlacement } from "../directory.ts";

export interface TenantPasswords {
  readonly current: string;
  /** Null: no rotation is under way, or to a root secret that is not known here yet. */
  readonly next: string | null;
}

/** @throws Error when a root secret that the directory names is not configured here */
export async function tenantPasswords(
  config: DataConfig,
  { org }: OrgScope,
  { passwordEpoch, passwordRoot, rotatingTo, rotatingRoot }: TenantPlacement,
): Promise<TenantPasswords> {
  // An isolate of before the root secret changed does not know the next one, and need not: it ends before the role
  // gets that password.
  const nextRoot = rotatingTo === null ? null : findRoot(config, rotatingRoot);
  return {
    current: await tenantPassword(rootNamed(config, passwordRoot), org, passwordEpoch),
    next: rotatingTo === null || nextRoot === null ? null : await tenantPassword(nextRoot, org, rotatingTo),
  };
}

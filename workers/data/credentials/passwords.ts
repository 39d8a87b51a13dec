/** The passwords that a tenant's role may have just now: of its epoch, and of the next one while it rotates. */
import { tenantPassword } from "../../../core/crypto/tenant-keys.ts";
import type { OrgId } from "../../../core/ids.ts";
import { type DataConfig, rootNamed } from "../config.ts";
import type { TenantPlacement } from "../directory.ts";

export interface TenantPasswords {
  readonly current: string;
  /** Null: no rotation is under way. */
  readonly next: string | null;
}

/** @throws Error when a root secret that the directory names is not configured here */
export async function tenantPasswords(
  config: DataConfig,
  org: OrgId,
  { passwordEpoch, passwordRoot, rotatingTo, rotatingRoot }: TenantPlacement,
): Promise<TenantPasswords> {
  return {
    current: await tenantPassword(rootNamed(config, passwordRoot), org, passwordEpoch),
    next: rotatingTo === null ? null : await tenantPassword(rootNamed(config, rotatingRoot), org, rotatingTo),
  };
}

/** The data Worker's configuration, parsed once an isolate. Whatever is missing or malformed stops it. */
import { importTenantRootKey, type TenantRootKey, tenantRootId } from "../../core/crypto/tenant-keys.ts";
import { isIssuer } from "../../core/mesh/keys.ts";

/** What wrangler.toml and `wrangler secret put` give; unchecked. */
export interface DataEnv {
  readonly ISSUER: string;
  readonly NEON_GATEWAY: string;
  readonly TENANT_DB_ROOT_SECRET: string;
  /** While the root secret changes: the one before. Empty or absent: there is none. */
  readonly TENANT_DB_ROOT_SECRET_PREVIOUS?: string;
  readonly PLACEMENTS: string;
  readonly DIRECTORY_DATABASE_URL: string;
  readonly MESH_ROOTS: Pick<KVNamespace, "get">;
}

/** What a placement may be called. */
export const placementNamePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** How one placement is reached. */
export interface Placement {
  readonly name: string;
  readonly provisionerUrl: string;
  readonly auditWriterUrl: string;
  /** `host:port/database` or `host/database`. */
  readonly tenantHost: string;
}

/** A root secret and its public name; the directory says by name which one a tenant stands on. */
export interface NamedRoot {
  readonly id: string;
  readonly key: TenantRootKey;
}

export interface DataConfig {
  /** Whose access tokens these are; every unit has the same. */
  readonly issuer: string;
  /** "" for Neon itself. */
  readonly gateway: string;
  /** What new passwords are derived from. */
  readonly root: TenantRootKey;
  readonly rootId: string;
  readonly previousRoot: NamedRoot | null;
  readonly directoryUrl: string;
  /** In the order of configuration; the first one holds the control plane and the platform's logs. */
  readonly placements: ReadonlyMap<string, Placement>;
  readonly firstPlacement: Placement;
}

/** A configuration that can't be worked with. Names the variable, never its value. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** @throws ConfigurationError */
export async function parseConfig(env: Partial<DataEnv>): Promise<DataConfig> {
  const { ISSUER, NEON_GATEWAY, TENANT_DB_ROOT_SECRET, PLACEMENTS, DIRECTORY_DATABASE_URL } = env;
  // The empty string means Neon, so only an absent value is an error.
  if (typeof NEON_GATEWAY !== "string" || !/^(?:(?:127\.0\.0\.1|localhost):\d{1,5})?$/.test(NEON_GATEWAY)) {
    throw new ConfigurationError('NEON_GATEWAY must be "" (Neon) or 127.0.0.1:port (a gateway on this machine)');
  }
  if (!isIssuer(ISSUER)) throw new ConfigurationError("ISSUER must be an http(s) origin");
  const placements = parsePlacements(PLACEMENTS);
  const [firstPlacement] = placements.values();
  if (firstPlacement === undefined) throw new ConfigurationError("PLACEMENTS names no placement");
  const root = await namedRoot("TENANT_DB_ROOT_SECRET", TENANT_DB_ROOT_SECRET);
  const previous = env.TENANT_DB_ROOT_SECRET_PREVIOUS ?? "";
  const named = previous === "" ? null : await namedRoot("TENANT_DB_ROOT_SECRET_PREVIOUS", previous);
  // Secrets are put one after another: the first step of a change is that both are the same.
  const previousRoot = named?.id === root.id ? null : named;
  return {
    issuer: ISSUER,
    gateway: NEON_GATEWAY,
    root: root.key,
    rootId: root.id,
    previousRoot,
    directoryUrl: postgresUrl("DIRECTORY_DATABASE_URL", DIRECTORY_DATABASE_URL),
    placements,
    firstPlacement,
  };
}

async function namedRoot(name: string, text: string | undefined): Promise<NamedRoot> {
  if (typeof text !== "string") throw new ConfigurationError(`${name} is missing`);
  try {
    const key = await importTenantRootKey(text);
    return { id: await tenantRootId(key), key };
  } catch {
    throw new ConfigurationError(`${name} must be 32 bytes in base64url`);
  }
}

/**
 * The root of a name that the directory holds.
 * @param id null: from before roots had names, so the oldest one that is configured
 * @returns null: it is not configured here
 */
export function findRoot({ root, rootId, previousRoot }: DataConfig, id: string | null): TenantRootKey | null {
  if (id === null) return previousRoot?.key ?? root;
  if (id === rootId) return root;
  return id === previousRoot?.id ? previousRoot.key : null;
}

/** @throws Error when it is not configured here: nobody is connected with a guess */
export function rootNamed(config: DataConfig, id: string | null): TenantRootKey {
  const found = findRoot(config, id);
  if (found === null) throw new Error("the tenant's password comes from a root secret that is not configured here");
  return found;
}

function parsePlacements(text: string | undefined): Map<string, Placement> {
  let json: unknown;
  try {
    json = JSON.parse(text ?? "");
  } catch {
    throw new ConfigurationError("PLACEMENTS is missing or not JSON");
  }
  const placements = new Map<string, Placement>();
  for (const [name, value] of Object.entries((json ?? {}) as Record<string, unknown>)) {
    const { provisionerUrl, auditWriterUrl, tenantHost } = (value ?? {}) as Record<string, unknown>;
    if (!placementNamePattern.test(name)) throw new ConfigurationError("PLACEMENTS has a malformed name");
    if (typeof tenantHost !== "string" || !/^[A-Za-z0-9.-]+(?::\d{1,5})?\/[a-z0-9_-]+$/.test(tenantHost)) {
      throw new ConfigurationError(`PLACEMENTS: ${name} has no tenantHost of the form host:port/database`);
    }
    placements.set(name, {
      name,
      provisionerUrl: postgresUrl(`PLACEMENTS: ${name}.provisionerUrl`, provisionerUrl),
      auditWriterUrl: postgresUrl(`PLACEMENTS: ${name}.auditWriterUrl`, auditWriterUrl),
      tenantHost,
    });
  }
  return placements;
}

function postgresUrl(name: string, value: unknown): string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  const usable = url !== null && /^postgres(?:ql)?:$/.test(url.protocol) && url.username !== "" && url.password !== "";
  if (!usable) throw new ConfigurationError(`${name} must be postgres://role:password@host/database`);
  return url.href;
}

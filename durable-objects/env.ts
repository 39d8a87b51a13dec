import type { AuditSinkRpc, IngestRpc } from "../core/rpc/data.ts";
import type { AuditLog } from "./audit-log/audit-log.ts";
import type { KeyRing } from "./key-ring/key-ring.ts";
import type { RateLimiter } from "./rate-limiter/rate-limiter.ts";
import type { TenantHub } from "./tenant-hub/tenant-hub.ts";

/** Bindings of the durable-objects Worker (durable-objects/wrangler.toml). */
export interface Env {
  readonly TENANT_HUB: DurableObjectNamespace<TenantHub>;
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLog>;
  readonly RATE_LIMITER: DurableObjectNamespace<RateLimiter>;
  readonly KEY_RING: DurableObjectNamespace<KeyRing>;
  /** Public keys that KeyRing pushes for the data Worker. */
  readonly MESH_ROOTS: KVNamespace;
  readonly INGEST: IngestRpc;
  readonly AUDIT_SINK: AuditSinkRpc;
  /** 32 bytes, base64url: seals KeyRing's private keys. */
  readonly KEY_ENCRYPTION_KEY: string;
  readonly ISSUER: string;
}

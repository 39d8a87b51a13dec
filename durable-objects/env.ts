import type { AuditSinkRpc, IngestRpc } from "../core/rpc/data.ts";
import type { AuditLogMethods } from "./audit-log/audit-log-methods.ts";
import type { BackendCircuitsMethods } from "./backend-circuits/backend-circuits-methods.ts";
import type { KeyRingMethods } from "./key-ring/key-ring-methods.ts";
import type { RateLimiterMethods } from "./rate-limiter/rate-limiter-methods.ts";
import type { TenantHubMethods } from "./tenant-hub/tenant-hub-methods.ts";

/** An object by its methods, not by its class: a class imports this file, and imports go one way. */
type ObjectWith<Methods> = Methods & Rpc.DurableObjectBranded;

/** Bindings of the durable-objects Worker (durable-objects/wrangler.toml). */
export interface Env {
  readonly TENANT_HUB: DurableObjectNamespace<ObjectWith<TenantHubMethods>>;
  readonly AUDIT_LOG: DurableObjectNamespace<ObjectWith<AuditLogMethods>>;
  readonly RATE_LIMITER: DurableObjectNamespace<ObjectWith<RateLimiterMethods>>;
  readonly KEY_RING: DurableObjectNamespace<ObjectWith<KeyRingMethods>>;
  readonly BACKEND_CIRCUITS: DurableObjectNamespace<ObjectWith<BackendCircuitsMethods>>;
  /** Public keys that KeyRing pushes for the data Worker. */
  readonly MESH_ROOTS: KVNamespace;
  readonly INGEST: IngestRpc;
  readonly AUDIT_SINK: AuditSinkRpc;
  /** Where logs have their second copy; locked against overwriting and deleting (docs/runbooks/audit-copy.md). */
  readonly AUDIT_COPY: R2Bucket;
  /** 32 bytes, base64url: seals KeyRing's private keys. */
  readonly KEY_ENCRYPTION_KEY: string;
  /** The one before, for as long as something may still be sealed under it; absent or "" otherwise. */
  readonly KEY_ENCRYPTION_KEY_PREVIOUS?: string;
  /** Whose access tokens these are; every unit has the same. */
  readonly ISSUER: string;
  /** Objects that a tenant's devices are spread over, 1 to 64; absent is 1 (tenant-hub/shards/home.ts). */
  readonly HUB_SHARDS?: string;
  /** Multiplies what a device may send (tenant-hub/broker/rates.ts); plain configuration for load tests. */
  readonly LIMIT_SCALE?: string;
  /** How many times as often as each minute a log is signed (core/pace.ts); absent is 1. */
  readonly PACE?: string;
}

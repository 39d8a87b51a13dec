import { retireMonths } from "./audit-log/months/retire-months.ts";
import type { Env } from "./env.ts";

/** Every object class and entrypoint of this Worker; nobody else binds the object namespaces. */
export { AuditIntake } from "./audit-log/audit-intake.ts";
export { AuditLog } from "./audit-log/audit-log.ts";
export { AuditProofs } from "./audit-log/audit-proofs.ts";
export { AuditReader } from "./audit-log/audit-reader.ts";
export { EdgeEvents } from "./audit-log/edge-events.ts";
export { BackendCircuits } from "./backend-circuits/backend-circuits.ts";
export { Backends } from "./backend-circuits/backends.ts";
export { CertifyCapabilities, CertifyStudio } from "./key-ring/certifiers.ts";
export { KeyRing } from "./key-ring/key-ring.ts";
export { KeyRotation } from "./key-ring/key-rotation.ts";
export { PublicKeys } from "./key-ring/public-keys.ts";
export { TokenSigner } from "./key-ring/token-signer.ts";
export { EnrollmentLimits } from "./rate-limiter/enrollment-limits.ts";
export { Limits } from "./rate-limiter/limits.ts";
export { RateLimiter } from "./rate-limiter/rate-limiter.ts";
export { DeviceGateway } from "./tenant-hub/device-gateway.ts";
export { HubBackup } from "./tenant-hub/hub-backup.ts";
export { HubControl } from "./tenant-hub/hub-control.ts";
export { TenantHub } from "./tenant-hub/tenant-hub.ts";

/** The clock: months of the audit table end after seven years. No public route leads here; whatever arrives by `fetch` gets the same empty answer. */
export default {
  fetch: (): Response => new Response(null, { status: 404 }),
  scheduled: (_event, env): Promise<void> => retireMonths(env),
} satisfies ExportedHandler<Env>;

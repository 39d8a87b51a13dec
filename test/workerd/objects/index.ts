/** The objects under test, each by the name that durable-objects/index.ts gives it. */
export { AuditIntake } from "../../../durable-objects/audit-log/audit-intake.ts";
export { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
export { AuditProofs } from "../../../durable-objects/audit-log/audit-proofs.ts";
export { AuditReader } from "../../../durable-objects/audit-log/audit-reader.ts";
export { EdgeEvents } from "../../../durable-objects/audit-log/edge-events.ts";
export { BackendCircuits } from "../../../durable-objects/backend-circuits/backend-circuits.ts";
export { Backends } from "../../../durable-objects/backend-circuits/backends.ts";
export { CertifyCapabilities, CertifyStudio } from "../../../durable-objects/key-ring/certifiers.ts";
export { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";
export { KeyRotation } from "../../../durable-objects/key-ring/key-rotation.ts";
export { PublicKeys } from "../../../durable-objects/key-ring/public-keys.ts";
export { TokenSigner } from "../../../durable-objects/key-ring/token-signer.ts";
export { EnrollmentLimits } from "../../../durable-objects/rate-limiter/enrollment-limits.ts";
export { Limits } from "../../../durable-objects/rate-limiter/limits.ts";
export { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
export { FakeAuditSink } from "./fake-sink.ts";

export default { fetch: (): Response => new Response(null, { status: 404 }) } satisfies ExportedHandler;

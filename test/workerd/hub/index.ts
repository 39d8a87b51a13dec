/** The classes under test, each by the name that durable-objects/index.ts gives it. */
export { CertifyCapabilities, CertifyStudio } from "../../../durable-objects/key-ring/certifiers.ts";
export { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";
export { PublicKeys } from "../../../durable-objects/key-ring/public-keys.ts";
export { TokenSigner } from "../../../durable-objects/key-ring/token-signer.ts";
export { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
export { DeviceGateway } from "../../../durable-objects/tenant-hub/device-gateway.ts";
export { HubBackup } from "../../../durable-objects/tenant-hub/hub-backup.ts";
export { HubControl } from "../../../durable-objects/tenant-hub/hub-control.ts";
export { TenantHub } from "../../../durable-objects/tenant-hub/tenant-hub.ts";
export { FakeIngest } from "./fake-ingest.ts";

export default { fetch: (): Response => new Response(null, { status: 404 }) } satisfies ExportedHandler;

import type { PaymentProvider } from "../../core/billing/provider.ts";
import { parsePlatformPrices } from "../../core/llm/platform-models.ts";
import { parseProviderAddress, parseProviderHosts } from "../../core/llm/provider.ts";
import { createCaller } from "../../core/mesh/caller.ts";
import { createMeshKeys } from "../../core/mesh/keys.ts";
import { parseLoopbackOrigins } from "../../core/outside-address.ts";
import type { BackupSourceRpc } from "../../core/rpc/backups.ts";
import type { CredentialsRpc } from "../../core/rpc/data.ts";
import type {
  CertifierRpc,
  EnrollmentLimitsRpc,
  HubControlRpc,
  PublicKeysRpc,
} from "../../core/rpc/durable-objects.ts";
import type { HubBackupRpc } from "../../core/rpc/hub-backup.ts";
import type { BackupsDependencies } from "./backups/backups.ts";
import type { BackupBucket } from "./backups/bucket.ts";
import type { BillingDependencies } from "./billing/admission.ts";
import { invoiceProvider } from "./billing/invoice-provider.ts";
import { parseStripeConfig, type StripeEnv } from "./billing/stripe/config.ts";
import { createStripeProvider } from "./billing/stripe/provider.ts";
import type { DevicesDependencies } from "./devices/admission.ts";
import type { DocumentsDependencies } from "./documents/admission.ts";
import type { DocumentBucket } from "./documents/bucket.ts";
import { fixedLengthStream } from "./documents/fixed-length-stream.ts";
import type { PdfTextBinding } from "./documents/pdf-text.ts";
import type { ExportsDependencies } from "./exports/admission.ts";
import type { ExportBucket } from "./exports/bucket.ts";
import { createAskOutside } from "./exports/destinations/ask-outside.ts";
import type { DeliveryDependencies } from "./exports/destinations/bucket-port.ts";
import type { DestinationsDependencies } from "./exports/destinations/destinations.ts";
import { openTarget } from "./exports/destinations/target-port.ts";
import { whileClaimed } from "./exports/destinations/while-claimed.ts";
import type { EncryptionDependencies } from "./keys/encryption.ts";
import { createTenantKeys, type KeysEnv } from "./keys/tenant-keys.ts";
import type { LlmDependencies } from "./llm/admission.ts";
import { type AiBinding, createPlatformModels } from "./llm/platform-models.ts";
import { createProviderFetch } from "./llm/provider-fetch.ts";
import { logPayments } from "./log.ts";
import { createTenantConnections } from "./tenant-connections.ts";

/** The bindings of wrangler.toml. */
export interface Env extends KeysEnv, StripeEnv {
  /** Whose access tokens these are; every unit has the same. */
  readonly ISSUER: string;
  readonly NEON_GATEWAY: string;
  readonly CREDENTIALS: CredentialsRpc;
  readonly PUBLIC_KEYS: PublicKeysRpc;
  readonly CERTIFIER: CertifierRpc;
  readonly HUB: HubControlRpc;
  readonly HUB_BACKUP: HubBackupRpc;
  readonly BACKUP_SOURCE: BackupSourceRpc;
  readonly BACKUPS: BackupBucket;
  readonly DOCUMENTS: DocumentBucket;
  readonly EXPORTS: ExportBucket;
  readonly PDF_TEXT: PdfTextBinding;
  readonly ENROLLMENT_LIMITS: EnrollmentLimitsRpc;
  /** Multiplies how many devices a minute enrol with one code; plain configuration for load tests. */
  readonly LIMIT_SCALE: string;
  /** Hosts that providers of language models may have, by name; a comma between two. */
  readonly LLM_HOSTS: string;
  /** … and, for development, origins on its own loopback; empty in production. */
  readonly LOOPBACK_LLM?: string;
  /** Workers AI, on the operator's account; absent unless the operator binds it. */
  readonly AI?: AiBinding;
  /** … and which of its models organisations may ask, at which price; empty: none. */
  readonly WORKERS_AI_MODELS?: string;
  /** Where exports may go on this machine's own loopback, for development; empty in production. */
  readonly LOOPBACK_EXPORTS?: string;
}

/** Builds what lives as long as this isolate: key sets, its own identity, tenants' connections and keys. */
export function createDependencies(env: Env): {
  devices: DevicesDependencies;
  encryption: EncryptionDependencies;
  backups: BackupsDependencies;
  documents: DocumentsDependencies;
  exports: ExportsDependencies;
  llm: LlmDependencies;
  exportDestinations: DestinationsDependencies;
  billing: BillingDependencies;
} {
  const now = (): number => Date.now();
  const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes);
  // "" means Neon itself; a missing value means that nobody said which, and then nothing starts.
  if (typeof env.NEON_GATEWAY !== "string") throw new Error("NEON_GATEWAY is not configured");
  const keys = createMeshKeys({
    issuer: env.ISSUER,
    fetchRoots: () => env.PUBLIC_KEYS.meshRoots(),
    fetchAccess: () => env.PUBLIC_KEYS.accessKeys(),
    now,
  });
  const caller = createCaller({
    workload: "capabilities",
    certify: (publicKey) => env.CERTIFIER.certify(publicKey),
    roots: keys.roots,
    now,
    random,
  });
  const randomBytes = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length));
  const tenantKeys = createTenantKeys(env, { caller, fetch: (...given) => fetch(...given), now, randomBytes });
  const encryption = { keys, caller, ...tenantKeys, now, randomBytes };
  const connections = createTenantConnections({ credentials: env.CREDENTIALS, caller, now });
  const backups: BackupsDependencies = {
    keys,
    caller,
    connections,
    tenantKeys: tenantKeys.of,
    hub: env.HUB_BACKUP,
    source: env.BACKUP_SOURCE,
    bucket: env.BACKUPS,
    gateway: env.NEON_GATEWAY,
    now,
    randomBytes,
  };
  const devices: DevicesDependencies = {
    keys,
    caller,
    dataKeys: tenantKeys.of,
    connections,
    hub: env.HUB,
    limits: env.ENROLLMENT_LIMITS,
    limitScale: parseLimitScale(env.LIMIT_SCALE),
    gateway: env.NEON_GATEWAY,
    now,
    random,
  };
  const tenantCalls = { keys, connections, dataKeys: tenantKeys.of, gateway: env.NEON_GATEWAY, now };
  const sealing = { ...tenantCalls, toStream: fixedLengthStream, randomBytes };
  const documents: DocumentsDependencies = { ...sealing, bucket: env.DOCUMENTS, pdfText: env.PDF_TEXT };
  const delivery = deliveryOf(env, now);
  const openDestination: ExportsDependencies["openDestination"] = (orgKeys, target, renew) =>
    openTarget({ ...delivery, ask: whileClaimed(delivery.ask, renew) }, orgKeys, target);
  const exports: ExportsDependencies = {
    ...sealing,
    bucket: env.EXPORTS,
    documentBucket: env.DOCUMENTS,
    openDestination,
  };
  const exportDestinations: DestinationsDependencies = { ...tenantCalls, delivery };
  const hosts = parseProviderHosts("LLM_HOSTS", env.LLM_HOSTS);
  const loopback = parseLoopbackOrigins("LOOPBACK_LLM", env.LOOPBACK_LLM ?? "");
  const llm: LlmDependencies = {
    ...tenantCalls,
    fetchProvider: createProviderFetch((...given) => fetch(...given), hosts, loopback),
    platform: createPlatformModels(env.AI, parsePlatformPrices("WORKERS_AI_MODELS", env.WORKERS_AI_MODELS ?? "")),
    mayCall: (baseUrl) => parseProviderAddress(baseUrl, hosts, loopback) !== null,
    randomBytes,
  };
  const billing: BillingDependencies = { ...tenantCalls, payments: createPayments(env, now) };
  return { devices, encryption, backups, documents, exports, llm, billing, exportDestinations };
}

/** Stripe where it is configured, else invoices of our own. @throws when it is configured by half */
function createPayments(env: StripeEnv, now: () => number): PaymentProvider {
  const config = parseStripeConfig(env);
  if (config === null) return invoiceProvider;
  return createStripeProvider(config, { fetch: (...given) => fetch(...given), now, note: logPayments });
}

/** The way from exports to the outside. @throws Error naming the setting */
function deliveryOf(env: Env, now: () => number): DeliveryDependencies {
  const loopback = parseLoopbackOrigins("LOOPBACK_EXPORTS", env.LOOPBACK_EXPORTS ?? "");
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return { ask: createAskOutside((...given) => fetch(...given), loopback), wait, now, loopback };
}

/** @throws when it is no whole number from 1 to 1,000,000: a Worker with broken limits must not serve */
function parseLimitScale(text: unknown): number {
  const scale = typeof text === "string" && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(scale <= 1_000_000)) throw new Error("LIMIT_SCALE is not a whole number from 1 to 1000000");
  return scale;
}

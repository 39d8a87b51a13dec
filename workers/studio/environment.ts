import { parseSeller, type Seller } from "../../core/billing/parties.ts";
import { parseLoopbackOrigins } from "../../core/outside-address.ts";
import type { AuditProofsRpc } from "../../core/rpc/audit-proofs.ts";
import type { BackendCircuitsRpc } from "../../core/rpc/backends.ts";
import type { BackupsRpc } from "../../core/rpc/backups.ts";
import type { BillingRpc } from "../../core/rpc/billing.ts";
import type { DevicesRpc } from "../../core/rpc/capabilities.ts";
import type { ProvisionerRpc } from "../../core/rpc/data.ts";
import type { DocumentsRpc } from "../../core/rpc/documents.ts";
import type {
  AuditIntakeRpc,
  AuditReaderRpc,
  CertifierRpc,
  HubControlRpc,
  HubGeoRpc,
  HubLifecycleRpc,
  HubUsageRpc,
  KeyRotationRpc,
  PublicKeysRpc,
  TokenSignerRpc,
} from "../../core/rpc/durable-objects.ts";
import type { EncryptionRpc } from "../../core/rpc/encryption.ts";
import type { ExportDestinationsRpc } from "../../core/rpc/export-destinations.ts";
import type { ExportsRpc } from "../../core/rpc/exports.ts";
import type { HubBackupRpc } from "../../core/rpc/hub-backup.ts";
import type { HubLimitsRpc } from "../../core/rpc/hub-limits.ts";
import type { LlmRpc } from "../../core/rpc/llm.ts";
import { parseLoopbackIssuers } from "./auth/outside/address.ts";
import type { PasswordsBinding } from "./auth/passwords.ts";
import type { ExportQueue } from "./exports/export-queue.ts";
import type { EmailBinding, MailConfig } from "./mail/mailer.ts";

/** What the platform hands over; unchecked until {@link parseConfig}. */
export interface Environment {
  readonly CONTROL_DATABASE_URL?: string;
  readonly MAIL_TOKEN?: string;
  readonly CURSOR_KEY?: string;
  readonly OPERATOR_TOKEN_SHA256?: string;
  readonly IDENTITY_KEY?: string;
  readonly PASSWORDS_TOKEN?: string;
  readonly PUBLIC_URL?: string;
  readonly ISSUER?: string;
  readonly MAIL_ENDPOINT?: string;
  readonly MAIL_FROM?: string;
  readonly NEON_GATEWAY?: string;
  readonly HUB_SHARDS?: string;
  readonly LIMIT_SCALE?: string;
  readonly LOOPBACK_ISSUERS?: string;
  readonly LOOPBACK_STREAMS?: string;
  readonly BILLING_SELLER?: string;
  readonly POLICIES: PolicyNamespace;
  readonly PASSWORDS: PasswordsBinding;
  /** Cloudflare's own way to send mail; where it is bound, mail goes through it. */
  readonly EMAIL?: EmailBinding;
  readonly DEVICES: DevicesRpc;
  readonly ENCRYPTION: EncryptionRpc;
  readonly BACKUPS: BackupsRpc;
  readonly DOCUMENTS: DocumentsRpc;
  readonly EXPORTS: ExportsRpc;
  readonly EXPORT_QUEUE: ExportQueue;
  readonly LLM: LlmRpc;
  readonly EXPORT_DESTINATIONS: ExportDestinationsRpc;
  readonly BILLING: BillingRpc;
  readonly CIRCUITS: BackendCircuitsRpc;
  readonly PROVISIONER: ProvisionerRpc;
  readonly PUBLIC_KEYS: PublicKeysRpc;
  readonly TOKEN_SIGNER: TokenSignerRpc;
  readonly KEY_ROTATION: KeyRotationRpc;
  readonly CERTIFIER: CertifierRpc;
  readonly AUDIT: AuditIntakeRpc;
  readonly AUDIT_READER: AuditReaderRpc;
  readonly AUDIT_PROOFS: AuditProofsRpc;
  readonly HUB: HubControlRpc & HubLifecycleRpc & HubGeoRpc & HubLimitsRpc & HubUsageRpc;
  readonly HUB_BACKUP: HubBackupRpc;
}

/** The part of a KV namespace that studio uses: it writes policies, the edge reads them. */
export interface PolicyNamespace {
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface Config {
  readonly controlDatabaseUrl: string;
  /** "" for Neon's own endpoints, else "host:port". */
  readonly neonGateway: string;
  /** Where people reach Sentinel; an origin, without a trailing slash. */
  readonly publicUrl: URL;
  /** Whose access tokens these are; every unit has the same. */
  readonly issuer: string;
  readonly mail: MailConfig;
  /** What the passwords Worker knows us by. */
  readonly passwordsToken: string;
  /** True when tenants' hubs are split (docs/scaling.md): a device's address then says which device it is. */
  readonly hubIsSplit: boolean;
  /** Multiplies how many attempts are not slowed, as it does the edge's limits; for load tests. */
  readonly limitScale: number;
  /** 32 bytes; every key of studio is derived from it (auth/keys.ts). */
  readonly rootKey: Uint8Array;
  /** SHA-256 of the operator's token, 32 bytes. */
  readonly operatorTokenSha256: Uint8Array;
  /** Outside issuers that development may call on its own loopback; empty in production (auth/outside/address.ts). */
  readonly loopbackIssuers: ReadonlySet<string>;
  /** Destinations of audit logs that development may call on its own loopback; empty in production. */
  readonly loopbackStreams: ReadonlySet<string>;
  /** Who sells: its name stands on invoices. Null: nobody was configured, and nothing is invoiced. */
  readonly seller: Seller | null;
  /** 32 bytes, base64url; seals what identity must read back (auth/sealing.ts). */
  readonly identityKey: string;
}

/** Checks the configuration once. A missing or malformed value stops the Worker, named but never shown. */
export function parseConfig(env: Environment): Config {
  const publicUrl = URL.parse(required(env, "PUBLIC_URL"));
  if (publicUrl === null || !/^https?:$/.test(publicUrl.protocol))
    throw new Error("PUBLIC_URL is not an http(s) address");
  const rootKey = Buffer.from(required(env, "CURSOR_KEY"), "base64url");
  if (rootKey.length !== 32) throw new Error("CURSOR_KEY is not 32 bytes of base64url");
  const identityKey = required(env, "IDENTITY_KEY");
  if (!/^[A-Za-z0-9_-]{43}$/.test(identityKey)) throw new Error("IDENTITY_KEY is not 32 bytes of base64url");
  const operatorTokenSha256 = required(env, "OPERATOR_TOKEN_SHA256");
  if (!/^[0-9a-f]{64}$/.test(operatorTokenSha256))
    throw new Error("OPERATOR_TOKEN_SHA256 is not a SHA-256 in lower-case hex");
  return {
    controlDatabaseUrl: required(env, "CONTROL_DATABASE_URL"),
    neonGateway: env.NEON_GATEWAY ?? "",
    publicUrl: new URL(publicUrl.origin),
    issuer: required(env, "ISSUER"),
    hubIsSplit: (env.HUB_SHARDS ?? "1") !== "1",
    limitScale: limitScaleOf(env.LIMIT_SCALE ?? "1"),
    seller: sellerOf(env.BILLING_SELLER ?? ""),
    mail: mailConfig(env),
    passwordsToken: required(env, "PASSWORDS_TOKEN"),
    rootKey: new Uint8Array(rootKey),
    operatorTokenSha256: new Uint8Array(Buffer.from(operatorTokenSha256, "hex")),
    identityKey,
    loopbackIssuers: parseLoopbackIssuers(env.LOOPBACK_ISSUERS ?? ""),
    loopbackStreams: parseLoopbackOrigins("LOOPBACK_STREAMS", env.LOOPBACK_STREAMS ?? ""),
  };
}

/** With a binding of Cloudflare's there is no endpoint and no token to leak. */
function mailConfig(env: Environment): MailConfig {
  const from = required(env, "MAIL_FROM");
  if (env.EMAIL !== undefined) return { kind: "binding", binding: env.EMAIL, from };
  const endpoint = required(env, "MAIL_ENDPOINT");
  if (URL.parse(endpoint) === null) throw new Error("MAIL_ENDPOINT is not an address");
  return { kind: "endpoint", endpoint, token: required(env, "MAIL_TOKEN"), from };
}

/** @throws Error when there is something, and no seller: an invoice that names nobody is none */
function sellerOf(text: string): Seller | null {
  if (text === "") return null;
  const seller = parseSeller(JSON.parse(text));
  if (seller === null) throw new Error("BILLING_SELLER is not a seller");
  return seller;
}

function limitScaleOf(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error("LIMIT_SCALE is not a whole number from 1 to 9999999");
  return Number(text);
}

type TextSetting =
  | "CONTROL_DATABASE_URL"
  | "MAIL_TOKEN"
  | "CURSOR_KEY"
  | "IDENTITY_KEY"
  | "OPERATOR_TOKEN_SHA256"
  | "PASSWORDS_TOKEN"
  | "PUBLIC_URL"
  | "ISSUER"
  | "MAIL_ENDPOINT"
  | "MAIL_FROM";

function required(env: Environment, name: TextSetting): string {
  const value = env[name];
  if (typeof value !== "string" || value === "") throw new Error(`${name} is not set`);
  return value;
}

import type { Seller } from "../../core/billing/parties.ts";
import { type Id, type IdKind, makeId } from "../../core/ids.ts";
import { type Caller, createCaller } from "../../core/mesh/caller.ts";
import { type AccessKeySource, createAccessKeySource, createKeySource } from "../../core/mesh/keys.ts";
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
import { createDatabase, type Database } from "../../store/connect.ts";
import { hearAlerts, noteAlert } from "./audit/alerts/hear.ts";
import { createPostMessage, type PostMessage } from "./audit/stream/post.ts";
import { type DerivedKeys, deriveKeys } from "./auth/keys.ts";
import { createOutsideIssuers, type OutsideIssuers } from "./auth/outside/issuers.ts";
import { createPasswordHasher, type PasswordHasher } from "./auth/passwords.ts";
import { createScopedTokens, type ScopedTokens } from "./auth/scoped-tokens.ts";
import { createSealing, type Sealing } from "./auth/sealing.ts";
import { type Backends, readBackends } from "./backends/registry.ts";
import { type Environment, type PolicyNamespace, parseConfig } from "./environment.ts";
import type { ExportQueue } from "./exports/export-queue.ts";
import { createMailer, type SendMail } from "./mail/mailer.ts";

/** What the platform and the clock give. Tests give their own. */
export interface Platform {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  /** Lets work go on after the answer. */
  readonly defer: (work: Promise<unknown>) => void;
  readonly fetch: typeof fetch;
}

/** Everything a request handler may use. */
export interface Services extends Omit<Platform, "fetch">, Sealing {
  readonly publicUrl: URL;
  /** See `Config`. */
  readonly hubIsSplit: boolean;
  /** See `Config`. */
  readonly limitScale: number;
  /** See `Config`. */
  readonly seller: Seller | null;
  readonly database: Database;
  readonly keys: DerivedKeys;
  /** See `isOperator`. */
  readonly operatorTokenSha256: Uint8Array;
  readonly passwords: PasswordHasher;
  readonly outside: OutsideIssuers;
  readonly sendMail: SendMail;
  /** The way to destinations of audit logs, and which of this machine's own origins development lets through. */
  readonly streams: { readonly loopback: ReadonlySet<string>; readonly post: PostMessage };
  readonly caller: Caller;
  readonly accessKeys: AccessKeySource;
  readonly scopedTokens: ScopedTokens;
  readonly policies: PolicyNamespace;
  readonly devices: DevicesRpc;
  readonly encryption: EncryptionRpc;
  readonly backups: BackupsRpc;
  readonly documents: DocumentsRpc;
  readonly exports: ExportsRpc;
  /** See exports/enqueue.ts. */
  readonly exportQueue: ExportQueue;
  readonly llm: LlmRpc;
  readonly exportDestinations: ExportDestinationsRpc;
  readonly billing: BillingRpc;
  /** What the platform has registered, by name. */
  readonly backends: Backends;
  readonly circuits: BackendCircuitsRpc;
  readonly provisioner: ProvisionerRpc;
  readonly publicKeys: PublicKeysRpc;
  readonly tokenSigner: TokenSignerRpc;
  readonly keyRotation: KeyRotationRpc;
  readonly audit: AuditIntakeRpc;
  readonly auditReader: AuditReaderRpc;
  readonly auditProofs: AuditProofsRpc;
  readonly hub: HubControlRpc & HubGeoRpc & HubLimitsRpc & HubUsageRpc;
  readonly hubLifecycle: HubLifecycleRpc;
  readonly hubBackup: HubBackupRpc;
  readonly makeId: <K extends IdKind>(kind: K) => Id<K>;
}

/** Builds the services of one isolate. Throws when the configuration is not whole. */
export function createServices(env: Environment, platform: Platform): Services {
  const config = parseConfig(env);
  const { now, randomBytes, defer } = platform;
  const accessKeys = createAccessKeySource(config.issuer, () => env.PUBLIC_KEYS.accessKeys(), now);
  const caller = createCaller({
    workload: "studio",
    certify: (publicKey) => env.CERTIFIER.certify(publicKey),
    roots: createKeySource(() => env.PUBLIC_KEYS.meshRoots(), now),
    now,
    random: (bytes) => {
      bytes.set(randomBytes(bytes.length));
      return bytes;
    },
  });
  const database = createDatabase({ url: config.controlDatabaseUrl, gateway: config.neonGateway });
  return {
    now,
    randomBytes,
    defer,
    ...createSealing(config.identityKey, randomBytes),
    publicUrl: config.publicUrl,
    hubIsSplit: config.hubIsSplit,
    limitScale: config.limitScale,
    seller: config.seller,
    database,
    keys: deriveKeys(config.rootKey),
    operatorTokenSha256: config.operatorTokenSha256,
    passwords: createPasswordHasher(env.PASSWORDS, config.passwordsToken),
    outside: createOutsideIssuers(platform.fetch, config.loopbackIssuers, now),
    sendMail: createMailer(config.mail, platform.fetch),
    streams: {
      loopback: config.loopbackStreams,
      post: createPostMessage(platform.fetch, config.loopbackStreams),
    },
    caller,
    accessKeys,
    scopedTokens: createScopedTokens(env.TOKEN_SIGNER, caller, accessKeys, now),
    policies: env.POLICIES,
    devices: env.DEVICES,
    encryption: env.ENCRYPTION,
    backups: env.BACKUPS,
    documents: env.DOCUMENTS,
    exports: env.EXPORTS,
    exportQueue: env.EXPORT_QUEUE,
    llm: env.LLM,
    exportDestinations: env.EXPORT_DESTINATIONS,
    billing: env.BILLING,
    backends: readBackends(env),
    circuits: env.CIRCUITS,
    provisioner: env.PROVISIONER,
    publicKeys: env.PUBLIC_KEYS,
    tokenSigner: env.TOKEN_SIGNER,
    keyRotation: env.KEY_ROTATION,
    audit: hearAlerts(env.AUDIT, (org) => defer(noteAlert(database, org, now()))),
    auditReader: env.AUDIT_READER,
    auditProofs: env.AUDIT_PROOFS,
    hub: env.HUB,
    hubLifecycle: env.HUB,
    hubBackup: env.HUB_BACKUP,
    makeId: (kind) => makeId(kind, now(), randomBytes(10)),
  };
}

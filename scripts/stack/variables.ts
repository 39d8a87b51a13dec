import type { UnitName } from "../units.ts";
import { readLocalBackends } from "./backends.ts";
import { operatorTokenSha256 } from "./operator-token.ts";
import type { StackSecrets } from "./secrets.ts";

export interface VariableSources {
  readonly publicUrl: string;
  /** `host:port` of the Neon-protocol gateway. */
  readonly gateway: string;
  readonly mailEndpoint: string;
  readonly limitScale: number;
  readonly hubShards: number;
  readonly pace: number;
  readonly secrets: StackSecrets;
  readonly placements: {
    readonly controlUrl: string;
    readonly directoryUrl: string;
    readonly placements: Readonly<
      Record<string, { provisionerUrl: string; auditWriterUrl: string; tenantHost: string }>
    >;
  };
}

/** What each unit is given here, over its wrangler.toml; the same names are `wrangler secret put` when deployed. */
export function unitVariables(sources: VariableSources): Record<UnitName, Record<string, string>> {
  const { publicUrl, gateway, secrets, placements } = sources;
  return {
    "sentinel-edge": { ISSUER: publicUrl, LIMIT_SCALE: String(sources.limitScale), PACE: String(sources.pace) },
    "sentinel-studio": {
      PUBLIC_URL: publicUrl,
      ISSUER: publicUrl,
      MAIL_ENDPOINT: sources.mailEndpoint,
      MAIL_TOKEN: secrets.mailToken,
      CURSOR_KEY: secrets.cursorKey,
      IDENTITY_KEY: secrets.identityKey,
      PASSWORDS_TOKEN: secrets.passwordsToken,
      OPERATOR_TOKEN_SHA256: operatorTokenSha256(secrets),
      HUB_SHARDS: String(sources.hubShards),
      LIMIT_SCALE: String(sources.limitScale),
      CONTROL_DATABASE_URL: placements.controlUrl,
      // Of whoever starts the stack: identity providers of theirs on this machine, such as a test's.
      LOOPBACK_ISSUERS: process.env["LOOPBACK_ISSUERS"] ?? "",
      LOOPBACK_STREAMS: process.env["LOOPBACK_STREAMS"] ?? "",
      // … and as whom they sell, for invoices to be issued here.
      BILLING_SELLER: process.env["BILLING_SELLER"] ?? "",
      NEON_GATEWAY: gateway,
      // … and backends beside the stack, such as docs/examples/backend.mjs.
      ...readLocalBackends(process.env["BACKENDS_FILE"]).variables,
    },
    // It is given nothing, here as deployed.
    "sentinel-pdf-text": {},
    "sentinel-passwords": { PASSWORDS_TOKEN: secrets.passwordsToken },
    "sentinel-capabilities": {
      ISSUER: publicUrl,
      NEON_GATEWAY: gateway,
      LIMIT_SCALE: String(sources.limitScale),
      DATA_KEY_ENCRYPTION_KEY: secrets.dataKeyEncryptionKey,
      // Of whoever starts the stack: key services of theirs on this machine, such as `sentinel -- keeper`.
      LOOPBACK_KEEPERS: process.env["LOOPBACK_KEEPERS"] ?? "",
      // … and servers that speak as a provider of language models does.
      LOOPBACK_LLM: process.env["LOOPBACK_LLM"] ?? "",
      // … and models of the platform's own that are offered, where LOOPBACK_WORKERS_AI is there to be asked (local-ai.ts).
      WORKERS_AI_MODELS: process.env["WORKERS_AI_MODELS"] ?? "",
      // … and places that exports go to.
      LOOPBACK_EXPORTS: process.env["LOOPBACK_EXPORTS"] ?? "",
      // … and an account at Stripe, in test mode, or a server that speaks as it does.
      STRIPE_SECRET_KEY: process.env["STRIPE_SECRET_KEY"] ?? "",
      STRIPE_WEBHOOK_SECRETS: process.env["STRIPE_WEBHOOK_SECRETS"] ?? "",
      STRIPE_PRICES: process.env["STRIPE_PRICES"] ?? "",
      LOOPBACK_STRIPE: process.env["LOOPBACK_STRIPE"] ?? "",
    },
    "sentinel-data": {
      ISSUER: publicUrl,
      TENANT_DB_ROOT_SECRET: secrets.tenantDbRoot,
      PLACEMENTS: JSON.stringify(placements.placements),
      DIRECTORY_DATABASE_URL: placements.directoryUrl,
      NEON_GATEWAY: gateway,
    },
    "sentinel-durable-objects": {
      KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
      ISSUER: publicUrl,
      LIMIT_SCALE: String(sources.limitScale),
      HUB_SHARDS: String(sources.hubShards),
      PACE: String(sources.pace),
    },
  };
}

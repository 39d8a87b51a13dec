import { z } from "@hono/zod-openapi";
import { addressCharactersMax } from "../../../../core/outside-address.ts";
import {
  joiningRoles,
  type ProviderWithSecrets,
  providerKinds,
  type SecretView,
  signings,
} from "../../../../store/control/outside/providers.ts";
import { redirectUriOf } from "../../auth/outside/redirect-uri.ts";
import { idOf, idText, instant, nameOf } from "../../http/schemas.ts";
import type { Services } from "../../services.ts";

/** Domains of one provider: a school group has a handful. */
const domainsMax = 20;
/** Longest name of a domain (RFC 1035 §2.3.4). */
const domainCharactersMax = 253;

const domain = z
  .string()
  .max(domainCharactersMax)
  .transform((text) => text.toLowerCase())
  .refine(
    (text) => /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/.test(text),
    "must be a domain",
  )
  .openapi({ type: "string", maxLength: domainCharactersMax });

const settings = {
  name: nameOf(100),
  enabled: z.boolean(),
  allow_sign_up: z.boolean(),
  trusts_mfa: z.boolean(),
  confirms_email: z.boolean(),
  default_role: z.enum(joiningRoles).nullable(),
  email_domains: z
    .array(domain)
    .max(domainsMax)
    .refine((domains) => new Set(domains).size === domains.length, "must not name a domain twice"),
};

/** Visible ASCII: what fits a form field and an Authorization header. */
const clientText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[\x21-\x7e]+$/, "must be visible ASCII characters");
/** Microsoft's are 40 characters, Supabase's HS256 secrets some 90. */
const secretText = clientText(512);
const expiry = z.iso.datetime().openapi({ format: "date-time" });

export const newProvider = z.strictObject({
  kind: z.enum(providerKinds),
  issuer: z.string().min(1).max(addressCharactersMax).optional(),
  client_id: clientText(512).optional(),
  client_secret: secretText.optional(),
  secret_expires_at: expiry.nullable().optional(),
  signing: z.enum(signings).optional(),
  ...z.strictObject(settings).partial().required({ name: true }).shape,
});
export type NewProvider = z.output<typeof newProvider>;
export const providerChange = z.strictObject(settings).partial();
export type ProviderChange = z.output<typeof providerChange>;
export const newSecret = z.strictObject({ client_secret: secretText, expires_at: expiry.nullable().optional() });
export type NewSecretBody = z.output<typeof newSecret>;

export const providerParams = z.strictObject({ provider: idOf("provider") });
export const secretParams = z.strictObject({ provider: idOf("provider"), secret: idOf("providerSecret") });

export const secret = z.object({
  id: idText,
  created_at: instant,
  expires_at: instant.nullable(),
  /** When the provider first took it; null: not yet. */
  proven_at: instant.nullable(),
});
export const provider = z.object({
  id: idText,
  kind: z.enum(providerKinds),
  issuer: z.string(),
  client_id: z.string().nullable(),
  signing: z.enum(signings),
  name: z.string(),
  enabled: z.boolean(),
  allow_sign_up: z.boolean(),
  trusts_mfa: z.boolean(),
  confirms_email: z.boolean(),
  default_role: z.enum(joiningRoles).nullable(),
  email_domains: z.array(z.string()),
  created_at: instant,
  /** What to register with the provider. */
  redirect_uri: z.string(),
  secrets: z.array(secret),
});

export function providerView({ publicUrl }: Services, found: ProviderWithSecrets): z.input<typeof provider> {
  return {
    id: found.id,
    kind: found.kind,
    issuer: found.issuer,
    client_id: found.clientId,
    signing: found.signing,
    name: found.name,
    enabled: found.enabled,
    allow_sign_up: found.allowSignUp,
    trusts_mfa: found.trustsMfa,
    confirms_email: found.confirmsEmail,
    default_role: found.defaultRole,
    email_domains: [...found.emailDomains],
    created_at: found.createdAt,
    redirect_uri: redirectUriOf(publicUrl),
    secrets: found.secrets.map(secretView),
  };
}

export function secretView({ id, createdAt, expiresAt, provenAt }: SecretView): z.input<typeof secret> {
  return { id, created_at: createdAt, expires_at: expiresAt, proven_at: provenAt };
}

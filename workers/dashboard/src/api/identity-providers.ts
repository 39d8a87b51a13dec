import * as z from "zod/mini";
import { call, callVoid, path } from "./client.ts";

const secretSchema = z.object({
  id: z.string(),
  created_at: z.string(),
  expires_at: z.nullable(z.string()),
  /** When the provider first took it; null: not yet. */
  proven_at: z.nullable(z.string()),
});
export type ProviderSecret = z.infer<typeof secretSchema>;

export const providerKinds = ["google", "microsoft", "oidc", "supabase"] as const;
export type ProviderKind = (typeof providerKinds)[number];
/** Roles that joining through a provider may give. */
export const joiningRoles = ["analyst", "viewer", "readonly"] as const;
export type JoiningRole = (typeof joiningRoles)[number];

const providerSchema = z.object({
  id: z.string(),
  kind: z.enum(providerKinds),
  issuer: z.string(),
  client_id: z.nullable(z.string()),
  signing: z.enum(["jwks", "hs256"]),
  name: z.string(),
  enabled: z.boolean(),
  allow_sign_up: z.boolean(),
  trusts_mfa: z.boolean(),
  confirms_email: z.boolean(),
  default_role: z.nullable(z.enum(joiningRoles)),
  email_domains: z.array(z.string()),
  created_at: z.string(),
  /** What to register with the provider. */
  redirect_uri: z.string(),
  secrets: z.array(secretSchema),
});
export type IdentityProvider = z.infer<typeof providerSchema>;

/** What an administrator may change later. */
export interface ProviderSettings {
  readonly name: string;
  readonly enabled: boolean;
  readonly allow_sign_up: boolean;
  readonly trusts_mfa: boolean;
  readonly confirms_email: boolean;
  readonly default_role: JoiningRole | null;
  readonly email_domains: readonly string[];
}

/** What makes a provider; issuer and client never change afterwards. */
export interface NewProvider extends ProviderSettings {
  readonly kind: ProviderKind;
  readonly issuer?: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  /** RFC 3339 UTC; null: the provider set no end to it. */
  readonly secret_expires_at?: string | null;
  readonly signing?: "jwks" | "hs256";
}

export const identityProvidersKey = (org: string) => ["identity-providers", org] as const;

const listSchema = z.object({ items: z.array(providerSchema) });

export async function listIdentityProviders(org: string, signal: AbortSignal): Promise<IdentityProvider[]> {
  return (await call(path("orgs", org, "identity-providers"), listSchema, { signal })).items;
}

export function createIdentityProvider(org: string, input: NewProvider, idempotencyKey: string): Promise<void> {
  return callVoid(path("orgs", org, "identity-providers"), { method: "POST", body: input, idempotencyKey });
}

export function changeIdentityProvider(org: string, provider: string, settings: ProviderSettings): Promise<void> {
  return callVoid(path("orgs", org, "identity-providers", provider), { method: "PATCH", body: settings });
}

export function removeIdentityProvider(org: string, provider: string): Promise<void> {
  return callVoid(path("orgs", org, "identity-providers", provider), { method: "DELETE" });
}

/** The new secret is used from now on; the older one stays good for the overlap. */
export function addProviderSecret(
  org: string,
  provider: string,
  input: { client_secret: string; expires_at: string | null },
): Promise<void> {
  return callVoid(path("orgs", org, "identity-providers", provider, "secrets"), { method: "POST", body: input });
}

export function retireProviderSecret(org: string, provider: string, secret: string): Promise<void> {
  return callVoid(path("orgs", org, "identity-providers", provider, "secrets", secret), { method: "DELETE" });
}

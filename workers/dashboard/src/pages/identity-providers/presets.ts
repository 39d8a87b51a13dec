import type { JoiningRole, NewProvider, ProviderKind, ProviderSettings } from "../../api/identity-providers.ts";
import { endOfDay } from "../../format/day.ts";

/** What a kind of provider is called, and what its console calls the things to copy. */
export interface Preset {
  readonly label: string;
  /** The name on the sign-in button until somebody types another. */
  readonly name: string;
  /** What the issuer is made of; null: there is one for all. */
  readonly issuer: { readonly label: string; readonly placeholder: string; readonly description: string } | null;
  readonly where: string;
}

export const presets: Readonly<Record<ProviderKind, Preset>> = {
  google: {
    label: "Google",
    name: "Google",
    issuer: null,
    where: "Google Cloud console → Credentials → OAuth client ID → Web application.",
  },
  microsoft: {
    label: "Microsoft",
    name: "Microsoft",
    issuer: {
      label: "Directory (tenant) ID",
      placeholder: "00000000-0000-0000-0000-000000000000",
      description: "Of your own directory alone: accounts of others are not let in.",
    },
    where: "Microsoft Entra admin centre → App registrations → New registration, platform Web.",
  },
  oidc: {
    label: "Other (OpenID Connect)",
    name: "",
    issuer: {
      label: "Issuer",
      placeholder: "https://login.example.org",
      description: "The address whose /.well-known/openid-configuration describes it.",
    },
    where: "Your provider’s console, as a confidential web client with the authorization code flow.",
  },
  supabase: {
    label: "Supabase Auth",
    name: "Supabase",
    issuer: {
      label: "Project’s issuer",
      placeholder: "https://project.supabase.co/auth/v1",
      description: "Your own application signs people in there and brings its access token.",
    },
    where: "Supabase dashboard → Project settings → JWT keys.",
  },
};

/** What is typed into the form. */
export interface ProviderForm {
  readonly kind: ProviderKind;
  readonly issuer: string;
  readonly clientId: string;
  readonly secret: string;
  /** A day of the local calendar, `2027-01-31`, or empty. */
  readonly secretExpires: string;
  readonly signing: "jwks" | "hs256";
  readonly settings: SettingsForm;
}
export interface SettingsForm {
  readonly name: string;
  readonly enabled: boolean;
  readonly allowSignUp: boolean;
  readonly trustsMfa: boolean;
  readonly confirmsEmail: boolean;
  readonly joiningRole: JoiningRole | "none";
  /** Domains apart by commas, spaces or lines. */
  readonly domains: string;
}

export const emptySettings: SettingsForm = {
  name: "",
  enabled: true,
  allowSignUp: false,
  trustsMfa: false,
  confirmsEmail: false,
  joiningRole: "none",
  domains: "",
};

const microsoftTenants = "https://login.microsoftonline.com";

/** The request's body: what has no meaning for a kind stays away, for the server refuses it. */
export function bodyOf(form: ProviderForm): NewProvider {
  const { kind } = form;
  const settings = settingsOf(form.settings, kind);
  const issuer = form.issuer.trim();
  const expires = { secret_expires_at: endOfDay(form.secretExpires) };
  if (kind === "supabase") {
    const secret = form.signing === "hs256" ? { client_secret: form.secret, ...expires } : {};
    return { kind, issuer, signing: form.signing, ...secret, ...settings };
  }
  const client = { client_id: form.clientId.trim(), client_secret: form.secret, ...expires };
  if (kind === "google") return { kind, ...client, ...settings };
  // Some copy the whole issuer, some the id alone.
  const tenant = issuer.startsWith("https:") ? issuer : `${microsoftTenants}/${issuer.toLowerCase()}/v2.0`;
  return { kind, issuer: kind === "microsoft" ? tenant : issuer, ...client, ...settings };
}

export function settingsOf(form: SettingsForm, kind: ProviderKind): ProviderSettings {
  const role = form.allowSignUp && form.joiningRole !== "none" ? form.joiningRole : null;
  return {
    name: form.name.trim(),
    enabled: form.enabled,
    allow_sign_up: form.allowSignUp,
    trusts_mfa: form.trustsMfa,
    confirms_email: kind === "supabase" && form.confirmsEmail,
    default_role: role,
    email_domains: role === null ? [] : domainsOf(form.domains),
  };
}

/** `school.example, @other.example` as a list, each once. */
export function domainsOf(text: string): string[] {
  const named = text
    .split(/[\s,;]+/)
    .map((domain) => domain.replace(/^@/, "").toLowerCase())
    .filter((domain) => domain !== "");
  return [...new Set(named)];
}

import { describe, expect, it } from "vitest";
import {
  bodyOf,
  domainsOf,
  emptySettings,
  type ProviderForm,
} from "../../../workers/dashboard/src/pages/identity-providers/presets.ts";
import { secretState } from "../../../workers/dashboard/src/pages/identity-providers/secret-state.ts";

const form: ProviderForm = {
  kind: "oidc",
  issuer: " https://login.example.org ",
  clientId: "sentinel ",
  secret: "s3cret",
  secretExpires: "",
  signing: "jwks",
  settings: { ...emptySettings, name: "Example" },
};
const settings = {
  name: "Example",
  enabled: true,
  allow_sign_up: false,
  trusts_mfa: false,
  confirms_email: false,
  default_role: null,
  email_domains: [],
};

describe("what is sent for a new identity provider", () => {
  it("is closed until somebody opens it", () => {
    expect(bodyOf(form)).toEqual({
      kind: "oidc",
      issuer: "https://login.example.org",
      client_id: "sentinel",
      client_secret: "s3cret",
      secret_expires_at: null,
      ...settings,
    });
  });

  it("names Google's issuer nowhere: there is one", () => {
    expect(bodyOf({ ...form, kind: "google" })).not.toHaveProperty("issuer");
  });

  it("makes Microsoft's issuer of the tenant's id, and takes the whole one too", () => {
    const tenant = "9188040D-6C67-4C5B-B112-36A304B66DAD";
    const issuer = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    expect(bodyOf({ ...form, kind: "microsoft", issuer: tenant }).issuer).toBe(issuer);
    expect(bodyOf({ ...form, kind: "microsoft", issuer }).issuer).toBe(issuer);
  });

  it("sends no client and no secret for a Supabase project with public keys", () => {
    const supabase = bodyOf({ ...form, kind: "supabase", settings: { ...form.settings, confirmsEmail: true } });
    expect(supabase).toEqual({
      kind: "supabase",
      issuer: "https://login.example.org",
      signing: "jwks",
      ...settings,
      confirms_email: true,
    });
    expect(bodyOf({ ...form, kind: "supabase", signing: "hs256" })).toMatchObject({ client_secret: "s3cret" });
  });

  it("lets nobody join by a rule that the form no longer shows", () => {
    const joining = { ...emptySettings, joiningRole: "viewer", domains: "school.example" } as const;
    expect(bodyOf({ ...form, settings: joining })).toMatchObject({ default_role: null, email_domains: [] });
    expect(bodyOf({ ...form, settings: { ...joining, allowSignUp: true } })).toMatchObject({
      default_role: "viewer",
      email_domains: ["school.example"],
    });
    expect(bodyOf({ ...form, settings: { ...joining, confirmsEmail: true } })).toMatchObject({ confirms_email: false });
  });

  it("reads domains as people type them, each once", () => {
    expect(domainsOf("School.example, @other.example;\nschool.example ")).toEqual(["school.example", "other.example"]);
    expect(domainsOf(" , ")).toEqual([]);
  });
});

describe("the state of a client secret", () => {
  const end = Date.parse("2026-03-01T00:00:00Z");
  const secret = { expires_at: "2026-03-01T00:00:00Z", proven_at: "2026-01-01T00:00:00Z" };
  const day = 24 * 3600_000;

  it("tells what must be replaced from what is good, and what nobody has tried", () => {
    expect(secretState(secret, end - 31 * day)).toBe("good");
    expect(secretState(secret, end - 30 * day)).toBe("expiring");
    expect(secretState(secret, end)).toBe("expired");
    expect(secretState({ expires_at: null, proven_at: null }, end)).toBe("untried");
  });
});

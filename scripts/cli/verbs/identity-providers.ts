/** The platform's own identity providers; an organisation's are its administrators' (docs/outside-issuers.md). */
import { parseId } from "../../../core/ids.ts";
import { outsideIssuersRoutes } from "../../../core/routes/outside-issuers.ts";
import { CliError } from "../cli-error.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import { readPrivateFile } from "../private-file.ts";
import type { ArgumentSpec, FlagSpec, Flags, Verb } from "../verb.ts";

const { path } = outsideIssuersRoutes.listPlatformProviders;

interface Secret {
  readonly id: string;
  readonly expires_at: string | null;
  readonly proven_at: string | null;
}
interface Provider {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly issuer: string;
  readonly enabled: boolean;
  readonly redirect_uri: string;
  readonly secrets: readonly Secret[];
}

const yesOrNo = (help: string): FlagSpec => ({
  value: "YES|NO",
  help,
  refuse: (value) => (/^(?:yes|no)$/i.test(value) ? null : "is yes or no"),
});
const settings: Readonly<Record<string, FlagSpec>> = {
  "allow-sign-up": yesOrNo("whether it may make accounts (default no)"),
  "trusts-mfa": yesOrNo("whether its word on a second factor counts (default no)"),
  "confirms-email": yesOrNo("Supabase: whether the project confirms every address (default no)"),
};
const secretFlags: Readonly<Record<"secret-file" | "secret-expires", FlagSpec>> = {
  "secret-file": {
    value: "FILE",
    help: "file that holds the client secret; never an argument, which others could see",
  },
  "secret-expires": {
    value: "TIME",
    help: "when the provider ends the secret, such as 2027-05-01T00:00:00Z",
    refuse: (value) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? null : "is not a time like 2027-05-01T00:00:00Z",
  },
};
const id: ArgumentSpec = {
  name: "provider",
  value: "PROVIDER",
  refuse: (value) => (parseId("provider", value) === null ? "is not the id of a provider (idp_…)" : null),
};
const shared = { exclusive: operatorExclusive };

const list: Verb = {
  ...shared,
  name: "identity-providers list",
  summary: "Lists the platform's identity providers and when their secrets end",
  flags: operatorFlags,
  async run(flags, print) {
    const { items } = (await callOperator(flags, { method: "GET", path })) as { items: readonly Provider[] };
    if (items.length === 0) print("there is none");
    for (const provider of items) {
      print(
        `${provider.id}  ${provider.kind}  ${provider.issuer}  ${provider.name}${provider.enabled ? "" : "  (off)"}`,
      );
      for (const secret of provider.secrets) print(`  ${describe(secret)}`);
    }
    return 0;
  },
};

const add: Verb = {
  ...shared,
  name: "identity-providers add",
  summary: "Adds an identity provider for everybody",
  details: "docs/outside-issuers.md says what to set up at Google, Microsoft and Supabase first.",
  flags: {
    kind: {
      value: "KIND",
      help: "google, microsoft, oidc or supabase",
      refuse: (value) =>
        ["google", "microsoft", "oidc", "supabase"].includes(value) ? null : "is google, microsoft, oidc or supabase",
    },
    name: { value: "NAME", help: "what people see on the button" },
    issuer: { value: "URL", help: "the issuer's address (not for google)" },
    "client-id": { value: "ID", help: "the client's id at the provider (not for supabase)" },
    signing: {
      value: "HOW",
      help: "supabase: jwks (default) or hs256",
      refuse: (value) => (["jwks", "hs256"].includes(value) ? null : "is jwks or hs256"),
    },
    ...settings,
    ...secretFlags,
    ...operatorFlags,
  },
  examples: [
    "identity-providers add --kind google --name Google --client-id ID --secret-file secret --allow-sign-up yes",
  ],
  async run(flags, print) {
    const { kind, name, issuer, signing } = flags;
    if (kind === undefined || name === undefined) throw new CliError("missing_value", "it needs --kind and --name", 2);
    const body = {
      kind,
      name,
      ...present({ issuer, client_id: flags["client-id"], signing, ...settingsOf(flags) }),
      ...(flags["secret-file"] === undefined ? {} : { client_secret: readSecret(flags["secret-file"]) }),
      ...(flags["secret-expires"] === undefined ? {} : { secret_expires_at: flags["secret-expires"] }),
    };
    const made = (await callOperator(flags, { method: "POST", path, body })) as Provider;
    print(`${made.id}; register this redirect address with the provider: ${made.redirect_uri}`);
    return 0;
  },
};

const change: Verb = {
  ...shared,
  name: "identity-providers change",
  summary: "Changes the settings of one of the platform's identity providers",
  argument: id,
  flags: {
    name: { value: "NAME", help: "what people see on the button" },
    enabled: yesOrNo("whether it is offered at all"),
    ...settings,
    ...operatorFlags,
  },
  async run(flags, print) {
    const body = present({ name: flags["name"], enabled: choice(flags["enabled"]), ...settingsOf(flags) });
    await callOperator(flags, { method: "PATCH", path: `${path}/${flags["provider"]}`, body });
    print("changed");
    return 0;
  },
};

const remove: Verb = {
  ...shared,
  name: "identity-providers remove",
  summary: "Removes one of the platform's identity providers, and every identity of it",
  details: "Accounts stay; who has no other way in can ask for a password by mail.",
  argument: id,
  flags: operatorFlags,
  async run(flags, print) {
    await callOperator(flags, { method: "DELETE", path: `${path}/${flags["provider"]}` });
    print("removed");
    return 0;
  },
};

const addSecret: Verb = {
  ...shared,
  name: "identity-providers add-secret",
  summary: "Adds a new client secret; the older one stays good until a day after the first success with it",
  argument: id,
  flags: { ...secretFlags, ...operatorFlags },
  async run(flags, print) {
    const file = flags["secret-file"];
    if (file === undefined) throw new CliError("missing_value", "it needs --secret-file", 2);
    const body = { client_secret: readSecret(file), expires_at: flags["secret-expires"] ?? null };
    const call = { method: "POST", path: `${path}/${flags["provider"]}/secrets`, body } as const;
    print(describe((await callOperator(flags, call)) as Secret));
    return 0;
  },
};

export const identityProviders: readonly Verb[] = [list, add, change, remove, addSecret];

function describe({ id: secret, expires_at, proven_at }: Secret): string {
  const end = expires_at === null ? "does not expire" : `expires ${expires_at}`;
  return `${secret}  ${end}, ${proven_at === null ? "not used yet" : `in use since ${proven_at}`}`;
}

function settingsOf(flags: Flags): Record<string, boolean | undefined> {
  return {
    allow_sign_up: choice(flags["allow-sign-up"]),
    trusts_mfa: choice(flags["trusts-mfa"]),
    confirms_email: choice(flags["confirms-email"]),
  };
}

const choice = (value: string | undefined): boolean | undefined =>
  value === undefined ? undefined : value.toLowerCase() === "yes";

function present(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const readSecret = (path: string): string => readPrivateFile({ path, code: "bad_secret_file" });

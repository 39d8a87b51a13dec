import type { AuditFields } from "../../../../core/audit/events.ts";
import type { ProviderId, UserId } from "../../../../core/ids.ts";
import {
  addProvider,
  changeProvider,
  findOwnedProvider,
  listProviders,
  type Provider,
  type ProviderOwner,
  type ProviderSecretId,
  removeProvider,
} from "../../../../store/control/outside/providers.ts";
import { addSecret, retireSecret } from "../../../../store/control/outside/secrets.ts";
import { sealSecret } from "../../auth/outside/client-secrets.ts";
import { judgeProvider } from "../../auth/outside/judge-provider.ts";
import { answer, type HandlerResult, type Refusal, refuse } from "../../http/result.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { type NewProvider, type NewSecretBody, type ProviderChange, providerView, secretView } from "./schemas.ts";

/** Who configures whose providers: a member those of their organisation, the operator those of the platform. */
export interface Manager {
  readonly owner: ProviderOwner;
  /** Null: the platform's operator. */
  readonly user: UserId | null;
}
type View = ReturnType<typeof providerView>;

export async function list(
  { services }: RequestContext,
  { owner }: Manager,
): Promise<HandlerResult<{ items: View[] }>> {
  const found = await listProviders(services.database, owner);
  return answer({ items: found.map((provider) => providerView(services, provider)) });
}

export async function show(
  { services }: RequestContext,
  { owner }: Manager,
  id: ProviderId,
): Promise<HandlerResult<View>> {
  const found = await findOwnedProvider(services.database, owner, id);
  return found === null ? refuse("not_found") : answer(providerView(services, found));
}

/** The issuer is asked before anything is stored: a provider that can't work is not there. */
export async function create(
  context: RequestContext,
  manager: Manager,
  body: NewProvider,
): Promise<HandlerResult<View>> {
  const { services } = context;
  const expiresAtMs = expiryOf(body.secret_expires_at);
  const misplaced = misplacedSettings(manager, body) ?? pastExpiry(context, "secret_expires_at", expiresAtMs);
  if (misplaced !== null) return misplaced;
  const judged = await judgeProvider(services.outside, {
    kind: body.kind,
    issuer: body.issuer,
    clientId: body.client_id,
    secret: body.client_secret,
    signing: body.signing,
  });
  if (judged.kind === "bad") return invalid(judged.path, judged.message);
  const secret = body.client_secret === undefined ? null : await sealSecret(services, body.client_secret, expiresAtMs);
  const wanted = {
    id: services.makeId("provider"),
    kind: body.kind,
    issuer: judged.issuer,
    clientId: body.client_id ?? null,
    signing: judged.signing,
    ...settingsOf(body, unset),
    name: body.name,
  };
  const added = await addProvider(services.database, context.write(), manager.owner, wanted, secret);
  if (added === null) return refuse("conflict", { detail: "This provider is there already, or there are too many" });
  context.caused([
    providerChanged(manager),
    ...(secret === null ? [] : [secretChanged(manager, secret.id, "created")]),
  ]);
  return answer(providerView(services, added));
}

export async function change(
  context: RequestContext,
  manager: Manager,
  id: ProviderId,
  body: ProviderChange,
): Promise<HandlerResult<View>> {
  const { services } = context;
  const before = await findOwnedProvider(services.database, manager.owner, id);
  if (before === null) return refuse("not_found");
  const misplaced = misplacedSettings(manager, { ...body, kind: before.kind });
  if (misplaced !== null) return misplaced;
  const settings = settingsOf(body, before);
  const after = await changeProvider(services.database, context.write(), manager.owner, id, settings);
  if (after === null) return refuse("not_found");
  context.caused([providerChanged(manager)]);
  return answer(providerView(services, after));
}

export async function remove(context: RequestContext, manager: Manager, id: ProviderId): Promise<HandlerResult<null>> {
  const { database } = context.services;
  const removed = await removeProvider(database, context.write(), manager.owner, id);
  if (!removed) return refuse("not_found");
  context.caused([providerChanged(manager)]);
  return answer(null);
}

/** The new secret is tried first from now on; the older one as long as `overlapMs` after the first success with it. */
export async function rotate(
  context: RequestContext,
  manager: Manager,
  id: ProviderId,
  body: NewSecretBody,
): Promise<HandlerResult<ReturnType<typeof secretView>>> {
  const { services } = context;
  const expiresAtMs = expiryOf(body.expires_at);
  const past = pastExpiry(context, "expires_at", expiresAtMs);
  if (past !== null) return past;
  const provider = await findOwnedProvider(services.database, manager.owner, id);
  if (provider === null) return refuse("not_found");
  if (provider.kind === "supabase" && provider.signing === "jwks")
    return refuse("conflict", { detail: "A project with public keys has no secret" });
  const secret = await sealSecret(services, body.client_secret, expiresAtMs);
  const added = await addSecret(services.database, context.write(), manager.owner, id, secret);
  if (added === null) return refuse("not_found");
  context.caused([
    secretChanged(manager, secret.id, "rotated"),
    ...added.retired.map((retired) => secretChanged(manager, retired, "revoked")),
  ]);
  return answer(secretView({ id: secret.id, createdAt: added.createdAt, expiresAt: added.expiresAt, provenAt: null }));
}

export async function retire(
  context: RequestContext,
  manager: Manager,
  target: { readonly provider: ProviderId; readonly secret: ProviderSecretId },
): Promise<HandlerResult<null>> {
  const { database } = context.services;
  const outcome = await retireSecret(database, context.write(), manager.owner, target);
  if (outcome === "not_found") return refuse("not_found");
  if (outcome === "last") return refuse("conflict", { detail: "It is the only secret: add the new one first" });
  context.caused([secretChanged(manager, target.secret, "revoked")]);
  return answer(null);
}

/** Closed until somebody opens it: nobody signs up, nothing of the provider's is trusted, nobody joins. */
const unset: Omit<Provider, "id" | "ownDoor" | "kind" | "issuer" | "clientId" | "signing" | "createdAt"> = {
  name: "",
  enabled: true,
  allowSignUp: false,
  trustsMfa: false,
  confirmsEmail: false,
  defaultRole: null,
  emailDomains: [],
};

function settingsOf(body: ProviderChange, before: typeof unset): typeof unset {
  return {
    name: body.name ?? before.name,
    enabled: body.enabled ?? before.enabled,
    allowSignUp: body.allow_sign_up ?? before.allowSignUp,
    trustsMfa: body.trusts_mfa ?? before.trustsMfa,
    confirmsEmail: body.confirms_email ?? before.confirmsEmail,
    defaultRole: body.default_role === undefined ? before.defaultRole : body.default_role,
    emailDomains: body.email_domains ?? before.emailDomains,
  };
}

/** Settings that have no meaning here are refused: stored, they would mislead whoever reads them. */
function misplacedSettings({ owner }: Manager, body: ProviderChange & Pick<Provider, "kind">): Refusal | null {
  if (body.confirms_email === true && body.kind !== "supabase")
    return invalid("confirms_email", "has a meaning for Supabase alone: other issuers say it in each token");
  if (owner.org !== null) return null;
  if ((body.default_role ?? null) !== null) return invalid("default_role", "has a meaning in an organisation alone");
  return (body.email_domains ?? []).length > 0
    ? invalid("email_domains", "has a meaning in an organisation alone")
    : null;
}

function expiryOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text);
}

function pastExpiry({ services }: RequestContext, path: string, expiresAtMs: number | null): Refusal | null {
  return expiresAtMs !== null && expiresAtMs <= services.now() ? invalid(path, "must lie ahead") : null;
}

function invalid(path: string, message: string): Refusal {
  return refuse("invalid_request", { errors: [{ path, message }] });
}

function providerChanged({ user }: Manager): AuditFields {
  return { type: "policy_change", user_id: user, policy: "identity_provider" };
}

function secretChanged(
  { user }: Manager,
  id: ProviderSecretId,
  action: Extract<AuditFields, { type: "key_change" }>["action"],
): AuditFields {
  return { type: "key_change", user_id: user, kind: "client_secret", key_id: id, action };
}

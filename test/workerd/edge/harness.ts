import { env, exports } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { makeId, type OrgId, parseSlug } from "../../../core/ids.ts";
import { sessionCookieName } from "../../../core/rpc/studio.ts";
import { defaultOrgPolicy, type OrgPolicy, policyKey } from "../../../core/tenancy/policy.ts";
import { accessToken, recorded, resetRecorded } from "./recorders.ts";

export const origin = "https://s.example";
const worker = exports as unknown as { readonly default: Fetcher };
const { POLICIES } = env as unknown as { readonly POLICIES: KVNamespace };
const tenBytes = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));

export const india = { country: "IN", tlsVersion: "TLSv1.3" };

/** A client address of one's own, so that no test counts against another's limit. */
let client = 0;
let address = "";
beforeEach(() => {
  resetRecorded();
  client += 1;
  address = `10.0.${client >> 8}.${client & 255}`;
});

interface Options {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  /** Null: Cloudflare says nothing. */
  readonly cf?: Readonly<Record<string, unknown>> | null;
}

/** Sends a request through the edge, from India over TLS 1.3 unless told otherwise. */
export async function send(
  path: string,
  { method = "GET", headers = {}, body, cf = india }: Options = {},
): Promise<Response> {
  return await worker.default.fetch(`${origin}${path}`, {
    method,
    headers: { "CF-Connecting-IP": address, ...headers },
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
    ...(cf === null ? {} : { cf }),
  } as RequestInit);
}

export const sendJson = (path: string, json: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(json),
  });

/** `status code` of a problem answer. */
export async function outcome(response: Response): Promise<string> {
  const { code } = (await response.json()) as { code?: string };
  return `${response.status} ${code ?? "-"}`;
}

/** An organisation as studio would publish it. */
export async function publishOrg(changes: Partial<OrgPolicy> = {}): Promise<OrgPolicy> {
  const org: OrgId = makeId("org", Date.now(), tenBytes());
  const slug = parseSlug(`school-${org.slice(-8)}`);
  if (slug === null) throw new Error("a slug of letters and digits was refused");
  const policy = { ...defaultOrgPolicy(org, slug), ...changes };
  await POLICIES.put(policyKey.slug(slug), org);
  await POLICIES.put(policyKey.org(org), JSON.stringify(policy));
  return policy;
}

export interface Person {
  readonly user: string;
  readonly secret: string;
  readonly cookie: string;
  readonly token: string;
}

/** A signed-in person: member (admin) of the organisation, if one is named. */
export async function signIn(org: OrgId | null = null): Promise<Person> {
  const user = makeId("user", Date.now(), tenBytes());
  const sid = makeId("session", Date.now(), tenBytes());
  const secret = `secret-${sid}`;
  const own = await accessToken({ sub: user, org, role: org === null ? null : "admin", sid });
  const stranger = await accessToken({ sub: user, org: null, role: null, sid });
  recorded.sessions.set(secret, async (asked) => (asked === org ? own : stranger));
  return { user, secret, cookie: `${sessionCookieName}=${secret}`, token: own };
}

export const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

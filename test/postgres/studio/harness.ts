/** Studio whole, in Node, on the real control database. Only the RPC bindings, the mail and the clock are ours. */
import { createHash, randomBytes } from "node:crypto";
import { expect, vi } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import { matchRoute } from "../../../core/routes.ts";
import { studioHeaders } from "../../../core/rpc/studio.ts";
import { type GeoSeen, writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { createHasher } from "../../../workers/passwords/hasher.ts";
import { serve } from "../../../workers/passwords/serve.ts";
import { createStudio } from "../../../workers/studio/create-studio.ts";
import { createServices, type Services } from "../../../workers/studio/services.ts";
import { echoEnvironment } from "../../support/echo-backend.ts";
import { asSuperuser, gateway, setup } from "../support.ts";
import { createFakeKeyRing } from "./key-ring.ts";
import { createRecordedAudit } from "./recorded-audit.ts";
import { createStandIns } from "./stand-ins.ts";

/** Cheap, because what is tested is not scrypt. */
const quickScrypt = { ln: 4, r: 8, p: 1 };
/** What studio knows the hash of. */
export const operatorToken = `sop_${randomBytes(32).toString("base64url")}`;
export const password = "correct horse battery staple";
/** What studio made of it, once somebody has registered in this file. */
let passwordHash: string | null = null;

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly requestId: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the answer it asks for
  readonly body: any;
}
export interface SendOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly headers?: Record<string, string>;
  readonly ip?: string;
  /** India when absent. */
  readonly country?: string;
  /** How the edge judged it; as everything of one's own is judged when absent. */
  readonly geo?: Partial<GeoSeen>;
}
/** What the edge's geo gate says of a request. */
function seenFrom({ token, ip = "203.0.113.7", country = "IN", geo = {} }: SendOptions): string {
  const network = parseNetwork(ip);
  if (network === null) throw new Error("the test's address is malformed");
  const surface = token === undefined ? "dashboard" : "api";
  const facts = { country, asn: 55836, network };
  return writeGeoSeen({ facts, ip, surface, standings: { [surface]: "admitted" }, ...geo });
}
export interface Account {
  readonly email: string;
  readonly id: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly cookie: string;
}

export async function createHarness(change: (services: Services) => Services = (services) => services) {
  // Failures are made on purpose here; their log lines would bury the report.
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const clock = { nowMs: Date.now() };
  const now = (): number => clock.nowMs;
  const keyRing = await createFakeKeyRing(now);
  const audit = createRecordedAudit(keyRing.keys, now);
  const standIns = createStandIns(keyRing.keys, now);
  const mails: { to: string; subject: string; text: string }[] = [];
  const kv = new Map<string, string>();
  const deferred: Promise<unknown>[] = [];
  const passwordsToken = randomBytes(32).toString("base64url");
  const hasher = createHasher({ now, pause: () => new Promise((resolve) => setImmediate(resolve)) }, quickScrypt);
  const services = createServices(
    {
      CONTROL_DATABASE_URL: setup.controlUrl,
      NEON_GATEWAY: gateway,
      MAIL_TOKEN: "mail token",
      MAIL_ENDPOINT: "http://mail.test/emails",
      MAIL_FROM: "Sentinel <no-reply@sentinel.test>",
      PUBLIC_URL: "https://sentinel.test",
      ISSUER: "https://sentinel.test",
      CURSOR_KEY: randomBytes(32).toString("base64url"),
      OPERATOR_TOKEN_SHA256: createHash("sha256").update(operatorToken).digest("hex"),
      IDENTITY_KEY: randomBytes(32).toString("base64url"),
      PASSWORDS: { fetch: (url, init) => serve(new Request(url, init), passwordsToken, hasher) },
      PASSWORDS_TOKEN: passwordsToken,
      POLICIES: {
        put: async (key, value) => void kv.set(key, value),
        delete: async (key) => void kv.delete(key),
      },
      DEVICES: standIns.devices,
      ENCRYPTION: standIns.encryption,
      BACKUPS: standIns.backups,
      DOCUMENTS: standIns.documents,
      EXPORTS: standIns.exports,
      // Nothing takes from it but a test by itself.
      EXPORT_QUEUE: { send: async () => undefined },
      LLM: standIns.llm,
      EXPORT_DESTINATIONS: standIns.exportDestinations,
      BILLING: standIns.billing,
      CIRCUITS: standIns.circuits,
      ...echoEnvironment(),
      PROVISIONER: standIns.provisioner,
      PUBLIC_KEYS: keyRing.publicKeys,
      TOKEN_SIGNER: keyRing.tokenSigner,
      KEY_ROTATION: keyRing.keyRotation,
      CERTIFIER: keyRing.certifier,
      AUDIT: audit.intake,
      AUDIT_READER: audit.reader,
      AUDIT_PROOFS: audit.proofs,
      HUB: standIns.hub,
      HUB_BACKUP: standIns.hubBackup,
    },
    {
      now,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
      defer: (work) => void deferred.push(work),
      fetch: async (_input, init) => {
        mails.push(JSON.parse(String(init?.body)));
        return new Response("{}");
      },
    },
  );
  const studio = createStudio(change(services));

  /** Sends as the edge would: route, request id and address in its headers. */
  async function send(method: string, target: string, options: SendOptions = {}): Promise<Sent> {
    const url = new URL(target, "https://studio.internal");
    const match = matchRoute(method, url.pathname);
    const requestId = makeId("request", now(), randomBytes(10));
    const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await studio.fetch(
      new Request(url, {
        method,
        headers: {
          [studioHeaders.requestId]: requestId,
          [studioHeaders.route]: "name" in match ? match.name : "none",
          [studioHeaders.clientIp]: options.ip ?? "203.0.113.7",
          [studioHeaders.country]: options.country ?? "IN",
          [studioHeaders.geo]: seenFrom(options),
          [studioHeaders.credential]: options.token === undefined ? "none" : "bearer",
          "User-Agent": "tests",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body }),
      }),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      requestId,
      text,
      body: /\bjson\b/.test(response.headers.get("Content-Type") ?? "") ? JSON.parse(text) : null,
    };
  }

  const mailedToken = (to: string): string => {
    const mail = mails.findLast((candidate) => candidate.to === to && candidate.text.includes("#token="));
    const token = /#token=([\w-]+)/.exec(mail?.text ?? "")?.[1];
    if (token === undefined) throw new Error(`no link was mailed to ${to}`);
    return token;
  };

  const newEmail = (): string => `person-${randomBytes(6).toString("hex")}@school.test`;

  async function signIn(email: string, headers: Record<string, string> = {}): Promise<Account> {
    const body = { email, password };
    const answer = await send("POST", "/api/v1/auth/login?tokens=1", { body, headers });
    expect(answer.status).toBe(200);
    const cookie = (answer.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "";
    const { access_token: token, refresh_token: refreshToken, user } = answer.body;
    return { email, id: user.id, token, refreshToken, cookie };
  }

  /** Registers an address and proves it, as a browser does. */
  async function register(email: string): Promise<void> {
    await send("POST", "/api/v1/auth/register", { body: { email, password, name: "A Person" } });
    const token = mailedToken(email);
    expect((await send("POST", "/api/v1/auth/verify-email", { body: { token } })).status).toBe(200);
    const [row] = await asSuperuser("SELECT password_hash FROM control.users WHERE email = $1", [email]);
    passwordHash = String(row?.["password_hash"]);
  }

  /**
   * A person with a proven address, signed in. The first one of a file registers; all others have the row that this
   * leaves behind, put there: two of three requests less, which are what identity.test.ts and its like are about.
   */
  async function newAccount(): Promise<Account> {
    const email = newEmail();
    if (passwordHash === null) await register(email);
    else
      await asSuperuser(
        "INSERT INTO control.users (id, email, name, password_hash, created_at) VALUES ($1, $2, 'A Person', $3, $4)",
        [makeId("user", now(), randomBytes(10)), email, passwordHash, new Date(now())],
      );
    return signIn(email);
  }

  /** An organisation with its owner. */
  async function newOrg(owner?: Account) {
    const by = owner ?? (await newAccount());
    const slug = `school-${randomBytes(5).toString("hex")}`;
    const made = await send("POST", "/api/v1/orgs", { token: by.token, body: { name: "A School", slug } });
    expect(made.status).toBe(201);
    return { id: made.body.id as OrgId, slug, owner: by };
  }

  /** One more member of an organisation, invited by its owner. */
  async function newMember(org: { id: string; owner: Account }, role: Role): Promise<Account> {
    const account = await newAccount();
    const body = { email: account.email, role };
    const invited = await send("POST", `/api/v1/orgs/${org.id}/invitations`, { token: org.owner.token, body });
    expect(invited.status).toBe(201);
    const accept = { token: account.token, body: { token: mailedToken(account.email) } };
    expect((await send("POST", "/api/v1/invitations/accept", accept)).status).toBe(200);
    return account;
  }

  return {
    clock,
    audit,
    standIns,
    mails,
    kv,
    deferred,
    studio,
    send,
    mailedToken,
    newEmail,
    signIn,
    newAccount,
    newOrg,
    newMember,
  };
}
export type Harness = Awaited<ReturnType<typeof createHarness>>;

import { randomBytes, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type IdKind, makeId } from "../../../core/ids.ts";
import { type RouteName, type RouteSpec, routes } from "../../../core/routes.ts";
import { bodyOf as bodyInShape, placesInLog } from "../../support/route-inputs.ts";
import { asSuperuser } from "../support.ts";
import { type Account, createHarness, type Harness, operatorToken, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const served = (Object.entries(routes) as [RouteName, RouteSpec][]).filter(([, { servedBy }]) => servedBy === "studio");
const id = (kind: IdKind) => makeId(kind, Date.now(), randomBytes(10));

/** Answers of a passkey in form alone. */
const credential = { id: "AAAA", rawId: "AAAA", type: "public-key", clientExtensionResults: {} };
const assertion = {
  ...credential,
  response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" },
};
const registration = { ...credential, response: { clientDataJSON: "AAAA", attestationObject: "AAAA" } };

/** A body that each write accepts; what it names need not exist. */
function bodyOf(name: RouteName, owner: Account, slug: string): unknown {
  const code = `${slug}-ABCDE-FGHJK-MNPQR-STVWX`;
  const bodies: Partial<Record<RouteName, unknown>> = {
    register: { email: studio.newEmail(), password, name: "A" },
    verifyEmail: { token: "x" },
    login: { email: owner.email, password },
    orgLogin: { email: owner.email, password },
    refresh: { refresh_token: "x" },
    orgRefresh: { refresh_token: "x" },
    createOrg: { name: "B", slug: `walk-${randomBytes(5).toString("hex")}` },
    loginMfa: { challenge: "x", otp: "000000" },
    orgLoginMfa: { challenge: "x", otp: "000000" },
    loginMfaPasskeyOptions: { challenge: "x" },
    orgLoginMfaPasskeyOptions: { challenge: "x" },
    passkeySignIn: { ceremony: "x", response: assertion },
    orgPasskeySignIn: { ceremony: "x", response: assertion },
    stepUp: { password },
    confirmTotp: { code: "000000" },
    addPasskey: { ceremony: "x", response: registration, name: "key" },
    renamePasskey: { name: "key" },
    changeMember: { role: "viewer" },
    createInvitation: { email: studio.newEmail(), role: "viewer" },
    acceptInvitation: { token: "x" },
    putPolicy: { countries: ["IN"] },
    createApiKey: { name: "k", role: "viewer", expires_at: new Date(studio.clock.nowMs + 3600_000).toISOString() },
    createGroup: { name: "g" },
    renameGroup: { name: "g" },
    createEnrollmentCode: { name: "c" },
    enroll: { code, name: "pc", platform: "linux" },
    orgEnroll: { code, name: "pc", platform: "linux" },
    renameDevice: { name: "d" },
    sendCommand: { name: "ping" },
    disableUser: { email: owner.email },
    enableUser: { email: owner.email },
    rotateKeys: { purpose: "access", emergency: true },
    deleteOrg: { slug },
  };
  return bodies[name] ?? bodyInShape([name, routes[name]]);
}

function targetOf(path: string, slug: string): string {
  const values: Record<string, string> = {
    org: slug,
    user: id("user"),
    device: id("device"),
    group: id("group"),
    code: id("enrollmentCode"),
    invitation: id("invitation"),
    session: id("session"),
    key: id("apiKey"),
    policy: "geo",
    passkey: id("passkey"),
    provider: id("provider"),
    secret: id("providerSecret"),
    exception: id("geoException"),
    witness: id("witness"),
    target: slug,
    export: randomUUID(),
    ...placesInLog,
  };
  return path.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) => values[name]!);
}

/** What a read can't be without. */
const queryOf = (name: RouteName, org: string): string =>
  name === "readHubExport" ? `?export=${randomUUID()}&object=${org}&page=0` : "";

function tokenFor({ policy }: RouteSpec, owner: string): { readonly token?: string } {
  if (policy.kind === "public") return {};
  return { token: policy.kind === "operator" ? operatorToken : owner };
}

async function call(name: RouteName, spec: RouteSpec) {
  const org = await studio.newOrg();
  const body = bodyOf(name, org.owner, org.slug);
  const token = tokenFor(spec, org.owner.token);
  const before = studio.standIns.calls.length;
  const answer = await studio.send(spec.method, targetOf(spec.path, org.slug) + queryOf(name, org.id), {
    ...token,
    ...(body === undefined ? {} : { body }),
  });
  return { answer, org, worked: studio.standIns.calls.slice(before) };
}

describe("every route", () => {
  /** A witness's: what it signs is kept with its time, and its questions must not make the log grow. */
  const witnessing = ["witnessCheckpoint", "cosignCheckpoint"];
  const writes = served.filter(([name, { method }]) => method !== "GET" && !witnessing.includes(name));
  const reads = served.filter(([, { method }]) => method === "GET");
  const hashesOnly = ["auditStatus", "auditCheckpoint", "auditConsistency", "auditTile"];
  const unaudited = ["ready", "openapi", "signInProviders", "orgSignInProviders", ...hashesOnly];
  /** Read from the control database, where the walk has put none. */
  const absent = ["getIdentityProvider", "getPlatformProvider"];

  it.each(writes)("%s leaves an intent and its outcome", async (name, spec) => {
    const { answer } = await call(name, spec);
    expect(answer.status).toBeLessThan(500);
    expect(answer.status).not.toBe(422);
    const calls = studio.audit.of(answer.requestId).filter(({ event }) => event.type === "api_call");
    expect(calls.map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
    const [intent, outcome] = calls.map(({ event }) => event);
    expect(intent).toMatchObject({ endpoint: spec.path, method: spec.method, status_code: null, duration_ms: null });
    expect(outcome).toMatchObject({ endpoint: spec.path, method: spec.method, status_code: answer.status });
    if (spec.policy.kind === "permission") expect(calls.every(({ log }) => log !== null)).toBe(true);
  });

  it.each(served.filter(([name]) => witnessing.includes(name)))("%s leaves nothing in any log", async (name, spec) => {
    const { answer } = await call(name, spec);
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_token"]);
    expect(studio.audit.of(answer.requestId)).toEqual([]);
  });

  it.each(reads)("%s leaves one event, but for those that know nobody and change nothing", async (name, spec) => {
    const { answer } = await call(name, spec);
    const calls = studio.audit.of(answer.requestId);
    expect(calls.map(({ phase }) => phase)).toEqual(unaudited.includes(name) ? [] : ["event"]);
    if (!unaudited.includes(name)) {
      expect(answer.status).toBe(absent.includes(name) ? 404 : 200);
      expect(calls[0]!.event).toMatchObject({ endpoint: spec.path, method: "GET", status_code: answer.status });
    }
  });

  it.each(writes)("%s does nothing when the intent can't be written", async (name, spec) => {
    const org = await studio.newOrg();
    const body = bodyOf(name, org.owner, org.slug);
    const email = String((body as { email?: string } | undefined)?.email ?? "");
    const state = async () => ({
      calls: studio.standIns.calls.length,
      kv: studio.kv.size,
      mails: studio.mails.length,
      rows: await rowsOf(org, email),
    });
    const before = await state();
    studio.audit.down.intent = true;
    const answer = await studio
      .send(spec.method, targetOf(spec.path, org.slug), {
        ...tokenFor(spec, org.owner.token),
        ...(body === undefined ? {} : { body }),
      })
      .finally(() => {
        studio.audit.down.intent = false;
      });
    expect([answer.status, answer.body.code]).toEqual([503, "audit_unavailable"]);
    expect(await state()).toEqual(before);
    const receipts = "SELECT 1 FROM control.operation_receipts WHERE request_id = $1";
    expect(await asSuperuser(receipts, [answer.requestId])).toEqual([]);
  });

  it.each(reads.filter(([name]) => !unaudited.includes(name)))(
    "%s tells nothing when its event can't be written",
    async (name, spec) => {
      const org = await studio.newOrg();
      studio.audit.down.append = true;
      try {
        const answer = await studio.send(spec.method, targetOf(spec.path, org.slug), tokenFor(spec, org.owner.token));
        expect([name, answer.status, answer.body.code]).toEqual([name, 503, "audit_unavailable"]);
      } finally {
        studio.audit.down.append = false;
      }
    },
  );
});

/** Rows that this owner's requests could have written; other files write at the same time. */
async function rowsOf(org: { id: string; owner: Account }, email: string): Promise<unknown> {
  const [row] = await asSuperuser(
    `SELECT (SELECT count(*) FROM control.users WHERE email = $3) AS users,
      (SELECT count(*) FROM control.registrations WHERE email = $3) AS registrations,
      (SELECT count(*) FROM control.sessions WHERE user_id = $2 AND ended_at IS NULL) AS sessions,
      (SELECT count(*) FROM control.refresh_tokens t JOIN control.refresh_families f ON f.id = t.family_id
        JOIN control.sessions s ON s.id = f.session_id WHERE s.user_id = $2) AS refresh_tokens,
      (SELECT count(*) FROM control.organisations WHERE created_by = $2) AS organisations,
      (SELECT count(*) FROM control.memberships WHERE org_id = $1) AS memberships,
      (SELECT count(*) FROM control.invitations WHERE org_id = $1) AS invitations,
      (SELECT count(*) FROM control.org_policies WHERE org_id = $1) AS policies`,
    [org.id, org.owner.id, email],
  );
  return row;
}

describe("the log", () => {
  it("keeps a write's answer back when its outcome can't be written, and a retry replays it", async () => {
    const { token } = await studio.newAccount();
    const body = { name: "A", slug: `lost-${randomBytes(5).toString("hex")}` };
    const options = { token, body, headers: { "Idempotency-Key": "lost" } };
    studio.audit.down.outcome = true;
    const lost = await studio.send("POST", "/api/v1/orgs", options);
    studio.audit.down.outcome = false;
    expect([lost.status, lost.body.code]).toEqual([503, "unavailable"]);
    const again = await studio.send("POST", "/api/v1/orgs", options);
    expect([again.status, again.headers.get("Idempotency-Replayed")]).toEqual([201, "true"]);
  });

  it("has a member's denials in the organisation's log and a stranger's in a platform log", async () => {
    const org = await studio.newOrg();
    const viewer = await studio.newMember(org, "viewer");
    const stranger = await studio.newAccount();
    const send = ({ token }: Account) => studio.send("GET", `/api/v1/orgs/${org.id}/audit`, { token });
    const [denied, missing] = [await send(viewer), await send(stranger)];
    const logged = [denied, missing].map(({ requestId }) =>
      studio.audit.of(requestId).map(({ log, event }) => [log, event]),
    );
    expect(logged[0]).toEqual([[org.id, expect.objectContaining({ status_code: 403, user_id: viewer.id })]]);
    expect(logged[1]).toEqual([[null, expect.objectContaining({ status_code: 404, user_id: stranger.id })]]);
  });

  it("has nothing of requests before anyone is known", async () => {
    const before = studio.audit.events.length;
    await studio.send("GET", "/api/v1/me");
    await studio.send("GET", "/api/v1/me", { token: "nonsense" });
    await studio.send("POST", "/api/v1/auth/login", { body: { email: 1 } });
    expect(studio.audit.events).toHaveLength(before);
  });

  it("has each sign-in in a platform log and in those of the person's organisations", async () => {
    const org = await studio.newOrg();
    const login = (secret: string) =>
      studio.send("POST", "/api/v1/auth/login", {
        body: { email: org.owner.email, password: secret },
        ip: "198.51.100.9",
      });
    for (const [secret, expected] of [
      [password, { outcome: "success", mfa: "none", reason: null }],
      ["wrong password, surely", { outcome: "failure", mfa: "not_reached", reason: "wrong_password" }],
    ] as const) {
      const { requestId } = await login(secret);
      await Promise.all(studio.deferred);
      const logins = studio.audit.of(requestId).filter(({ event }) => event.type === "login");
      expect(logins.map(({ log }) => log).toSorted()).toEqual([org.id, null].toSorted());
      const event = {
        type: "login",
        user_id: org.owner.id,
        ip: "198.51.100.9",
        user_agent: "tests",
        method: "password",
        ...expected,
      };
      for (const recorded of logins) expect(recorded.event).toEqual(event);
    }
  });

  it("finds a receipt for every change of the control plane, and none where nothing changed", async () => {
    const org = await studio.newOrg();
    const member = await studio.newMember(org, "viewer");
    const path = `/api/v1/orgs/${org.id}/members/${member.id}`;
    const changed = await studio.send("PATCH", path, { token: org.owner.token, body: { role: "readonly" } });
    const refused = await studio.send("PATCH", `/api/v1/orgs/${org.id}/members/${org.owner.id}`, {
      token: org.owner.token,
      body: { role: "viewer" },
    });
    const rows = await asSuperuser(
      "SELECT request_id, org_id FROM control.operation_receipts WHERE request_id = ANY($1)",
      [[changed.requestId, refused.requestId]],
    );
    expect(rows).toEqual([{ request_id: changed.requestId, org_id: org.id }]);
  });
});

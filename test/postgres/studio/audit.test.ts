import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { RouteName, RouteSpec } from "../../../core/routes.ts";
import { asSuperuser } from "../support.ts";
import { type Account, createHarness, type Harness, password } from "./harness.ts";
import { bodyOf, queryOf, served, targetOf, tokenFor } from "./walk-kit.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
let kept: Promise<Org> | null = null;
/** For requests that change nothing of it. Made once the walk has rotated the keys, which ends every token. */
const untouched = (): Promise<Org> => {
  kept ??= studio.newOrg();
  return kept;
};

async function call(name: RouteName, spec: RouteSpec, given?: Org) {
  const org = given ?? (await studio.newOrg());
  const body = bodyOf(studio, name, org.owner, org.slug);
  const answer = await studio.send(spec.method, targetOf(spec.path, org.slug) + queryOf(name, org.id), {
    ...tokenFor(spec, org.owner.token),
    ...(body === undefined ? {} : { body }),
  });
  return { answer, org };
}

describe("every route", () => {
  /** A witness's: what it signs is kept with its time, and its questions must not make the log grow. */
  const witnessing = ["witnessCheckpoint", "cosignCheckpoint"];
  /** Until its signature is verified nobody is known; payment-events.test.ts shows what a genuine one leaves. */
  const signed = ["takePaymentEvent"];
  /** Bytes that count with the completion of their upload, and may take longer than an intent stays open. */
  const parts = ["putUploadPart"];
  const writes = served.filter(
    ([name, { method }]) => method !== "GET" && ![...witnessing, ...signed, ...parts].includes(name),
  );
  const reads = served.filter(([, { method }]) => method === "GET");
  const hashesOnly = ["auditStatus", "auditCheckpoint", "auditConsistency", "auditTile"];
  const unaudited = ["ready", "openapi", "signInProviders", "orgSignInProviders", ...hashesOnly];
  const ofOneDocument = ["getDocument", "getDocumentContent", "listDocumentVersions", "listDocumentShares"];
  /** Read from the control database, where the walk has put none. */
  const absent = ["getIdentityProvider", "getPlatformProvider", "getExport", "downloadExport"];

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

  it.each(served.filter(([name]) => parts.includes(name)))(
    "%s leaves one event, with its status",
    async (name, spec) => {
      const { answer } = await call(name, spec);
      const calls = studio.audit.of(answer.requestId);
      expect(calls.map(({ phase, event }) => [phase, event])).toEqual([
        ["event", expect.objectContaining({ endpoint: spec.path, method: spec.method, status_code: 204 })],
      ]);
    },
  );

  it.each(served.filter(([name]) => witnessing.includes(name)))("%s leaves nothing in any log", async (name, spec) => {
    const { answer } = await call(name, spec);
    expect([answer.status, answer.body.code]).toEqual([401, "invalid_token"]);
    expect(studio.audit.of(answer.requestId)).toEqual([]);
  });

  it.each(served.filter(([name]) => signed.includes(name)))(
    "%s leaves nothing in any log while it is not genuine",
    async (name, spec) => {
      const { answer } = await call(name, spec);
      expect([answer.status, answer.body.code]).toEqual([400, "malformed_request"]);
      expect(studio.audit.of(answer.requestId)).toEqual([]);
    },
  );

  it.each(reads)("%s leaves one event, but for those that know nobody and change nothing", async (name, spec) => {
    const { answer } = await call(name, spec, await untouched());
    const all = studio.audit.of(answer.requestId);
    // Whose reading of a document it was stands beside it.
    const read = all.filter(({ event }) => event.type === "data_access");
    expect([name, read.length]).toEqual([name, ofOneDocument.includes(name) ? 1 : 0]);
    const exported = all.filter(({ event }) => event.type === "export");
    expect([name, exported.length]).toEqual([name, name === "exportAudit" ? 1 : 0]);
    const calls = all.filter((one) => !read.includes(one) && !exported.includes(one));
    expect(calls.map(({ phase }) => phase)).toEqual(unaudited.includes(name) ? [] : ["event"]);
    if (!unaudited.includes(name)) {
      expect(answer.status).toBe(absent.includes(name) ? 404 : 200);
      expect(calls[0]!.event).toMatchObject({ endpoint: spec.path, method: "GET", status_code: answer.status });
    }
  });

  it.each(writes)("%s does nothing when the intent can't be written", async (name, spec) => {
    const org = await untouched();
    const body = bodyOf(studio, name, org.owner, org.slug);
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
      const org = await untouched();
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
    expect(logged[0]).toEqual([
      [org.id, expect.objectContaining({ status_code: 403, user_id: viewer.id })],
      [org.id, expect.objectContaining({ type: "access_denied", user_id: viewer.id, code: "forbidden" })],
    ]);
    expect(logged[1]).toEqual([
      [null, expect.objectContaining({ status_code: 404, user_id: stranger.id })],
      [null, expect.objectContaining({ type: "access_denied", user_id: stranger.id, code: "not_found" })],
    ]);
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
        country: "IN",
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

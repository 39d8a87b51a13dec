/** Where an audit log is streamed to, as administrators set it; how it is sent is in audit-stream-delivery.test.ts. */
import { beforeAll, describe, expect, it } from "vitest";
import { stepUpMsMax } from "../../../core/limits.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

type Org = Awaited<ReturnType<Harness["newOrg"]>>;
const at = (org: Org, path = "") => `/api/v1/orgs/${org.slug}/audit/stream${path}`;
const settings = { url: "https://siem.school.test/hook?token=theirs", format: "json" };
const put = (org: Org, body: object = {}, token = org.owner.token) =>
  studio.send("PUT", at(org), { token, body: { ...settings, ...body } });
const shown = async (org: Org) => (await studio.send("GET", at(org), { token: org.owner.token })).body.stream;

describe("the stream of an audit log", () => {
  it("is none until somebody makes one; its secret is shown once, kept sealed, and all of it is on record", async () => {
    const org = await studio.newOrg();
    expect(await shown(org)).toBeNull();
    const made = await put(org);
    expect([made.status, made.body.secret]).toEqual([200, expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/)]);
    expect(studio.audit.of(made.requestId).map(({ event }) => event)).toEqual(
      expect.arrayContaining([
        { type: "policy_change", user_id: org.owner.id, policy: "audit_stream" },
        ...[
          {
            type: "key_change",
            user_id: org.owner.id,
            kind: "audit_stream_secret",
            key_id: made.body.id,
            action: "created",
          },
        ],
      ]),
    );
    const [row] = await asSuperuser("SELECT s::text AS row FROM control.audit_streams s WHERE org_id = $1", [org.id]);
    const raw = Buffer.from(made.body.secret.slice(6), "base64");
    for (const form of [made.body.secret.slice(6), raw.toString("hex"), raw.toString("base64url")])
      expect(String(row?.["row"])).not.toContain(form);
    const found = await studio.send("GET", at(org), { token: org.owner.token });
    expect(found.body.stream).toMatchObject({ ...settings, state: "sending", failure: null, dead_letters: [] });
    expect(found.text).not.toContain("whsec_");
    const receipts = "SELECT org_id FROM control.operation_receipts WHERE request_id = $1";
    expect(await asSuperuser(receipts, [made.requestId])).toEqual([{ org_id: org.id }]);
  });

  it("begins behind what is there, or with the first entry if that is wanted", async () => {
    const [now, first] = [await studio.newOrg(), await studio.newOrg()];
    const made = await put(now);
    const before = studio.audit.events.filter(({ log }) => log === now.id);
    const intent = before.findIndex(({ requestId }) => requestId === made.requestId) + 1;
    expect((await shown(now)).delivered_seq).toBe(intent);
    await put(first, { from: "beginning" });
    expect((await shown(first)).delivered_seq).toBe(0);
  });

  it("is changed in place: the secret stays, and so does how far it has come", async () => {
    const org = await studio.newOrg();
    const { id, secret } = (await put(org, { from: "beginning" })).body;
    expect([id, secret]).toEqual([expect.stringMatching(/^aus_/), expect.any(String)]);
    const url = "https://other.school.test/in";
    const changed = await put(org, { url, format: "syslog", from: "now" });
    expect([changed.status, changed.body]).toEqual([200, { id: null, secret: null }]);
    expect(await shown(org)).toMatchObject({ id, url, format: "syslog", delivered_seq: 0 });
  });

  it("is removed with all that was put aside, and its number is good for nothing then", async () => {
    const org = await studio.newOrg();
    const { id } = (await put(org)).body;
    await asSuperuser(
      `INSERT INTO control.audit_stream_dead_letters (stream_id, first_seq, last_seq, failure, died_at)
       VALUES ($1, 3, 5, 'failing', now())`,
      [id],
    );
    expect((await shown(org)).dead_letters).toMatchObject([{ first_seq: 3, last_seq: 5, failure: "failing" }]);
    expect((await studio.send("DELETE", at(org), { token: org.owner.token })).status).toBe(204);
    expect(await asSuperuser("SELECT 1 FROM control.audit_stream_dead_letters WHERE stream_id = $1", [id])).toEqual([]);
    for (const [method, path] of [
      ["DELETE", ""],
      ["POST", "/secret"],
      ["POST", "/resume"],
      ["POST", "/dead-letters/3/resend"],
    ] as const)
      expect([path, (await studio.send(method, at(org, path), { token: org.owner.token })).status]).toEqual([
        path,
        404,
      ]);
  });

  it("gets a new secret while the one before is good for a day; a third ends the first at once", async () => {
    const org = await studio.newOrg();
    const first = (await put(org)).body.secret;
    const rotate = () => studio.send("POST", at(org, "/secret"), { token: org.owner.token });
    const second = await rotate();
    expect(second.status).toBe(201);
    expect(second.body.secret).not.toBe(first);
    expect(Date.parse(second.body.previous_secret_until) - studio.clock.nowMs).toBe(24 * 3600_000);
    expect((await shown(org)).previous_secret_until).toBe(second.body.previous_secret_until);
    expect(studio.audit.of(second.requestId).map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ kind: "audit_stream_secret", action: "rotated" }),
    );
  });
});

describe("where a stream may lead", () => {
  it.each([
    "http://siem.school.test/hook",
    "https://siem.school.test:8443/hook",
    "https://user:pass@siem.school.test/hook",
    "https://127.0.0.1/hook",
    "https://0x7f.1/hook",
    "https://[::1]/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/hook",
    "https://siem/hook",
    "https://siem.internal/hook",
    "https://siem.school.test./hook",
    "https://siem.school.test/hook#x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "",
    `https://siem.school.test/${"x".repeat(512)}`,
  ])("is not %s", async (url) => {
    const org = await studio.newOrg();
    const sent = await put(org, { url });
    expect([sent.status, sent.body.code]).toEqual([422, "invalid_request"]);
    expect(await shown(org)).toBeNull();
  });
});

describe("who may set a stream", () => {
  it("is an owner or an admin; nobody else even sees where it leads", async () => {
    const org = await studio.newOrg();
    const admin = await studio.newMember(org, "admin");
    expect((await put(org, {}, admin.token)).status).toBe(200);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const { token } = await studio.newMember(org, role);
      for (const sent of [await put(org, {}, token), await studio.send("GET", at(org), { token })])
        expect([role, sent.status, sent.text.includes("siem.school.test")]).toEqual([role, 403, false]);
    }
    const stranger = await studio.newAccount();
    expect((await studio.send("GET", at(org), { token: stranger.token })).status).toBe(404);
  });

  it("is somebody who has just proved who they are", async () => {
    const org = await studio.newOrg();
    await put(org);
    studio.clock.nowMs += stepUpMsMax + 1;
    for (const [method, path, body] of [
      ["PUT", "", settings],
      ["DELETE", "", undefined],
      ["POST", "/secret", undefined],
    ] as const) {
      const sent = await studio.send(method, at(org, path), { token: org.owner.token, body });
      expect([path, sent.status, sent.body.code]).toEqual([path, 401, "step_up_required"]);
    }
  });

  it("reaches no stream of another organisation", async () => {
    const [mine, theirs] = [await studio.newOrg(), await studio.newOrg()];
    const { id } = (await put(theirs)).body;
    await asSuperuser(
      `INSERT INTO control.audit_stream_dead_letters (stream_id, first_seq, last_seq, failure, died_at)
       VALUES ($1, 1, 2, 'failing', now())`,
      [id],
    );
    const { token } = mine.owner;
    expect((await studio.send("POST", at(mine, "/dead-letters/1/resend"), { token })).status).toBe(404);
    expect((await studio.send("DELETE", at(mine), { token })).status).toBe(404);
    expect(await shown(theirs)).toMatchObject({ id, dead_letters: [{ first_seq: 1, queued: false }] });
  });
});

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runScheduled } from "../../../workers/studio/scheduled.ts";
import { type HostileIssuer, startHostileIssuer } from "../../support/hostile-issuer.ts";
import { asSuperuser } from "../support.ts";
import { createOutsideKit, newBrowser, type OutsideKit } from "./outside-kit.ts";

let issuer: HostileIssuer;
let kit: OutsideKit;
let org: Awaited<ReturnType<OutsideKit["studio"]["newOrg"]>>;
let id: string;
let path: string;
/** The client secrets that the issuer takes, and those that it was shown. */
const good = new Set<string>();
let shown: string[] = [];
const newSecret = (): string => randomBytes(24).toString("base64url");
const day = 24 * 3600_000;

beforeAll(async () => {
  issuer = await startHostileIssuer();
  const token = issuer.paths.get("/token")!;
  issuer.paths.set("/token", (request, body, response) => {
    const basic = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    const secret = decodeURIComponent(basic.split(":")[1] ?? "");
    shown.push(secret);
    if (good.has(secret)) return token(request, body, response);
    response
      .writeHead(401, { "Content-Type": "application/json", "WWW-Authenticate": "Basic" })
      .end('{"error":"invalid_client"}');
  });
});
afterAll(() => issuer.stop());

beforeEach(async () => {
  good.clear();
  shown = [];
  // A studio of its own for each test: their clocks run apart.
  kit = await createOutsideKit([issuer.issuer]);
  org = await kit.studio.newOrg();
  const first = newSecret();
  good.add(first);
  id = await kit.newProvider(
    org,
    { issuer: issuer.issuer, clientSecret: first },
    { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] },
  );
  path = `/api/v1/orgs/${org.id}/identity-providers/${id}`;
});

/** Signs somebody in; the status. The token's times are those of the studio's clock. */
async function signIn(): Promise<number> {
  const browser = newBrowser();
  const sub = newSecret();
  const now = Math.floor(kit.studio.clock.nowMs / 1000);
  issuer.idToken = (nonce) =>
    issuer.sign({
      nonce,
      sub,
      email: `${sub.toLowerCase()}@school.test`,
      email_verified: true,
      iat: now,
      exp: now + 300,
    });
  return (await kit.finish(org.slug, browser, issuer.returned(await kit.start(org.slug, id, browser)))).status;
}
/** The owner, signed in a moment ago: sessions end while these tests' clocks run. */
const owner = async () => (await kit.studio.signIn(org.owner.email)).token;
async function rotate(body: Record<string, unknown> = {}) {
  kit.tick();
  const client_secret = newSecret();
  const answer = await kit.studio.send("POST", `${path}/secrets`, {
    token: await owner(),
    body: { client_secret, ...body },
  });
  expect(answer.status).toBe(201);
  return { client_secret, id: answer.body.id as string, requestId: answer.requestId };
}
const stored = () =>
  asSuperuser(
    "SELECT id, sealed IS NULL AS forgotten, retired_at IS NOT NULL AS retired FROM control.provider_secrets WHERE provider_id = $1 ORDER BY id",
    [id],
  );
const scheduled = () => runScheduled(kit.studio.studio.services);

describe("two client secrets", () => {
  it("are tried the newest first, with the older as fallback while the issuer doesn't know the new one", async () => {
    const added = await rotate();
    expect(await signIn()).toBe(200);
    expect(shown[0]).toBe(added.client_secret);
    expect(shown).toHaveLength(2);
    // Now the provider's console has it too: the older one is not shown any more.
    good.add(added.client_secret);
    shown = [];
    expect(await signIn()).toBe(200);
    expect(shown).toEqual([added.client_secret]);
  });

  it("are both good for a day after the first success with the new one, then the older is retired and forgotten", async () => {
    const added = await rotate();
    good.add(added.client_secret);
    expect(await signIn()).toBe(200);
    good.delete(added.client_secret);
    kit.studio.clock.nowMs += day - 60_000;
    await scheduled();
    expect(await signIn()).toBe(200);
    kit.studio.clock.nowMs += 120_000;
    expect(await signIn()).toBe(401);
    await scheduled();
    const rows = await stored();
    expect(rows.map(({ forgotten, retired }) => [forgotten, retired])).toEqual([
      [true, true],
      [false, false],
    ]);
    const logged = kit.studio.audit.events.filter(({ log }) => log === org.id).map(({ event }) => event);
    expect(logged).toContainEqual({
      type: "key_change",
      user_id: null,
      kind: "client_secret",
      key_id: rows[0]!["id"],
      action: "revoked",
    });
  });

  it("is kept as long as the log does not take its retirement", async () => {
    const added = await rotate();
    good.add(added.client_secret);
    expect(await signIn()).toBe(200);
    kit.studio.clock.nowMs += day + 60_000;
    kit.studio.audit.down.append = true;
    await scheduled();
    expect((await stored()).map(({ retired }) => retired)).toEqual([false, false]);
    kit.studio.audit.down.append = false;
    await scheduled();
    expect((await stored()).map(({ retired }) => retired)).toEqual([true, false]);
  });

  it("stay both for as long as the new one was never taken", async () => {
    await rotate();
    kit.studio.clock.nowMs += 30 * day;
    await scheduled();
    expect(await signIn()).toBe(200);
    expect((await stored()).filter(({ retired }) => retired)).toEqual([]);
  });

  it("become no three: the oldest goes, and the log says what came and went", async () => {
    const [oldest] = await stored();
    await rotate();
    const third = await rotate();
    const logged = kit.studio.audit.of(third.requestId).map(({ event }) => event);
    const change = { type: "key_change", user_id: org.owner.id, kind: "client_secret" };
    expect(logged).toContainEqual({ ...change, key_id: third.id, action: "rotated" });
    expect(logged).toContainEqual({ ...change, key_id: oldest!["id"], action: "revoked" });
    expect((await stored()).map(({ retired }) => retired)).toEqual([true, false, false]);
  });

  it("can be retired at once, but never the last of them", async () => {
    const [first] = await stored();
    const token = await owner();
    const retire = (secret: unknown) => kit.studio.send("DELETE", `${path}/secrets/${secret}`, { token });
    expect((await retire(first!["id"])).body.code).toBe("conflict");
    const added = await rotate();
    expect((await retire(first!["id"])).status).toBe(204);
    expect((await retire(first!["id"])).body.code).toBe("not_found");
    expect((await retire(added.id)).body.code).toBe("conflict");
    expect((await stored())[0]).toMatchObject({ forgotten: true, retired: true });
    expect(await signIn()).toBe(401);
  });

  it("added at the same moment leave two", async () => {
    const token = await owner();
    const body = () => ({ token, body: { client_secret: newSecret() } });
    await Promise.all([1, 2, 3].map(() => kit.studio.send("POST", `${path}/secrets`, body())));
    expect((await stored()).filter(({ retired }) => !retired)).toHaveLength(2);
  });
});

describe("a client secret that expires", () => {
  const expiring = (days: number) => ({ expires_at: new Date(kit.studio.clock.nowMs + days * day).toISOString() });
  const reminders = () => kit.studio.mails.filter(({ subject }) => subject.startsWith("A client secret"));

  it("is announced to owners and administrators 14, 7 and 1 days before, once each", async () => {
    const admin = await kit.studio.newMember(org, "admin");
    await kit.studio.newMember(org, "viewer");
    const added = await rotate(expiring(20));
    good.add(added.client_secret);
    const counts: number[] = [];
    for (let hour = 0; hour < 20; hour += 1) {
      await scheduled();
      await scheduled();
      counts.push(reminders().length / 2);
      kit.studio.clock.nowMs += day;
    }
    expect(counts).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3]);
    expect(new Set(reminders().map(({ to }) => to))).toEqual(new Set([org.owner.email, admin.email]));
    expect(reminders()[0]!.text).toContain("School sign-in");
  });

  it("is not announced once another one has taken its place", async () => {
    await rotate(expiring(10));
    await rotate(expiring(100));
    await scheduled();
    expect(reminders()).toEqual([]);
  });

  it("is not tried after its end", async () => {
    const [first] = await stored();
    const added = await rotate(expiring(1));
    good.add(added.client_secret);
    await kit.studio.send("DELETE", `${path}/secrets/${first!["id"]}`, { token: await owner() });
    expect(await signIn()).toBe(200);
    kit.studio.clock.nowMs += day;
    shown = [];
    expect(await signIn()).toBe(401);
    expect(shown).toEqual([]);
  });

  it("lies ahead", async () => {
    const body = { client_secret: newSecret(), expires_at: new Date(kit.studio.clock.nowMs).toISOString() };
    const answer = await kit.studio.send("POST", `${path}/secrets`, { token: await owner(), body });
    expect(answer.body.errors).toEqual([{ path: "expires_at", message: "must lie ahead" }]);
  });
});

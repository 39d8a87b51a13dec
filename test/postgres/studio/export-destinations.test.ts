/** Studio, the capability with its real keys, and a real bucket on loopback: what an administrator does with destinations. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { destinationsMax } from "../../../core/exports/target.ts";
import { createMeshKeys } from "../../../core/mesh/keys.ts";
import { createAskOutside } from "../../../workers/capabilities/exports/destinations/ask-outside.ts";
import { createExportDestinations } from "../../../workers/capabilities/exports/destinations/destinations.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { provision } from "../../../workers/data/provisioner/provision.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { type S3Peer, s3Bucket, s3Credentials, s3Region, startS3Peer } from "../../support/aws/s3-peer.ts";
import { createTestMesh } from "../../unit/capabilities/mesh.ts";
import { testTenantKeys } from "../capabilities/data-keys.ts";
import { asSuperuser, dataVariables, gateway } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let peer: S3Peer;
let studio: Harness;
type Org = Awaited<ReturnType<Harness["newOrg"]>>;

beforeAll(async () => {
  peer = await startS3Peer();
  const mesh = await createTestMesh();
  studio = await createHarness((services) => ({ ...services, ...realDestinations(services, mesh) }));
});
afterAll(() => peer.stop());

function realDestinations(
  { publicKeys, now }: Services,
  mesh: Awaited<ReturnType<typeof createTestMesh>>,
): Pick<Services, "exportDestinations" | "provisioner"> {
  const roots = async () => ({ keys: [...mesh.rootKeys, ...(await publicKeys.meshRoots()).keys] });
  const fetchAccess = () => publicKeys.accessKeys();
  const keys = createMeshKeys({ issuer: "https://sentinel.test", fetchRoots: roots, fetchAccess, now });
  const namespace = {
    get: async (name: string) => JSON.stringify(name === "roots" ? await roots() : await fetchAccess()),
  };
  const env = { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] };
  const [atStudiosTime, unit] = [createUnit(env, now), createUnit(env, Date.now)];
  const caller = mesh.callerOf("capabilities", Date.now);
  const credentials = {
    forTenant: async (call: Parameters<typeof connectionForCall>[1]) => connectionForCall(await unit, call),
  };
  const loopback = new Set([peer.origin]);
  return {
    exportDestinations: createExportDestinations({
      keys,
      connections: createTenantConnections({ credentials, caller, now: Date.now }),
      dataKeys: testTenantKeys(unit, caller).of,
      delivery: { ask: createAskOutside(fetch, loopback), wait: async () => undefined, now: Date.now, loopback },
      gateway,
      now,
    }),
    provisioner: {
      createTenant: async (call, org) => provision(await atStudiosTime, call, org),
    } as Services["provisioner"],
  };
}

const bucket = (over: object = {}): object => ({
  kind: "bucket",
  name: "ours",
  endpoint: peer.origin,
  region: s3Region,
  bucket: s3Bucket,
  prefix: "from-sentinel/",
  path_style: true,
  access_key_id: s3Credentials.accessKeyId,
  secret_access_key: s3Credentials.secretAccessKey,
  ...over,
});
const send = (org: Org, method: string, path: string, body?: object, token = org.owner.token) =>
  studio.send(method, `/api/v1/orgs/${org.slug}/export-destinations${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
  });
const added = async (org: Org, over: object = {}): Promise<string> => {
  const sent = await send(org, "POST", "", bucket(over));
  expect(sent.status, sent.text).toBe(201);
  return sent.body.id;
};

describe("destinations of exports", () => {
  it("shows a bucket with its secret's fingerprint, and keeps the secret sealed under the organisation's key", async () => {
    const org = await studio.newOrg();
    const id = await added(org);
    const listed = await send(org, "GET", "");
    const fingerprint = createHash("sha256").update(s3Credentials.secretAccessKey).digest("hex").slice(0, 16);
    expect(listed.body.items).toMatchObject([
      { id, name: "ours", kind: "bucket", secret: { fingerprint }, test: null },
    ]);
    expect(listed.text).not.toContain(s3Credentials.secretAccessKey);
    const rows = JSON.stringify(await asSuperuser("SELECT * FROM control.export_destinations WHERE id = $1", [id]));
    expect(rows).toContain("d1.");
    expect(rows).not.toContain(s3Credentials.secretAccessKey);
  });

  it("writes a small object there when somebody tries it, and remembers what came of it", async () => {
    const org = await studio.newOrg();
    const id = await added(org);
    const tested = await send(org, "POST", `/${id}/test`);
    expect(tested.body).toEqual({ failure: null, place: `${s3Bucket}/from-sentinel/sentinel-test.txt` });
    peer.lies.push({ on: /^PUT/, lie: { status: 403, code: "AccessDenied" } });
    expect((await send(org, "POST", `/${id}/test`)).body).toEqual({ failure: "refused", place: null });
    expect((await send(org, "GET", "")).body.items[0].test.failure).toBe("refused");
  });

  it("shows a webhook's signing secret once, and a new one when it is asked for", async () => {
    const org = await studio.newOrg();
    const webhook = { kind: "webhook", name: "hook", url: "https://hook.school.test/in" };
    const made = await send(org, "POST", "", webhook);
    expect(made.body.signing_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await send(org, "GET", "")).text).not.toContain("whsec_");
    const same = await send(org, "PUT", `/${made.body.id}`, { ...webhook, url: "https://hook.school.test/other" });
    expect([same.body.signing_secret, same.body.secret]).toEqual([null, made.body.secret]);
    const renewed = await send(org, "PUT", `/${made.body.id}`, { ...webhook, new_secret: true });
    expect(renewed.body.signing_secret).toMatch(/^whsec_/);
    expect(renewed.body.secret.fingerprint).not.toBe(made.body.secret.fingerprint);
  });

  it.each([
    ["another service", { endpoint: "https://s3.attacker.example" }],
    ["another bucket", { bucket: "another-bucket" }],
    ["another identifier", { access_key_id: "AKIAANOTHERONE" }],
    ["another region", { region: "us-east-1" }],
    ["the other style, which is another host", { path_style: false }],
  ])("does not take a secret along to %s", async (_, over) => {
    const org = await studio.newOrg();
    const id = await added(org);
    const without = await send(org, "PUT", `/${id}`, { ...bucket(over), secret_access_key: undefined });
    expect(without.status).toBe(422);
    expect((await send(org, "POST", `/${id}/test`)).body.failure).toBeNull();
  });

  it("keeps the secret with another name or folder", async () => {
    const org = await studio.newOrg();
    const id = await added(org);
    const over = { name: "renamed", prefix: "elsewhere/", secret_access_key: undefined };
    expect((await send(org, "PUT", `/${id}`, bucket(over))).status).toBe(200);
    expect((await send(org, "POST", `/${id}/test`)).body.place).toBe(`${s3Bucket}/elsewhere/sentinel-test.txt`);
  });

  it.each([
    ["http", { endpoint: "http://s3.example.com" }],
    ["an inside address", { endpoint: "https://169.254.169.254" }],
    ["a private name", { endpoint: "https://minio.internal" }],
    ["a prefix that climbs", { prefix: "../" }],
    ["a bucket that is a path", { bucket: "a/../b" }],
    ["a secret that breaks a header", { secret_access_key: "x".repeat(20).concat("\r\nx: y") }],
    ["a field that nobody knows", { role_arn: "arn:aws:iam::1:role/x" }],
  ])("refuses %s", async (_, over) => {
    const org = await studio.newOrg();
    expect((await send(org, "POST", "", bucket(over))).status).toBe(422);
  });

  it("opens no secret that was moved from another destination, or another organisation", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const [first, second] = [await added(org), await added(org, { name: "second" })];
    const theirs = await added(other);
    const move =
      "UPDATE control.export_destinations SET sealed = (SELECT sealed FROM control.export_destinations WHERE id = $2) WHERE id = $1";
    await asSuperuser(move, [first, second]);
    const moved = await send(org, "POST", `/${first}/test`);
    expect(moved.body, moved.text).toEqual({ failure: "destination_gone", place: null });
    // Sealed under a key that this organisation does not have.
    await asSuperuser(move, [first, theirs]);
    expect((await send(org, "POST", `/${first}/test`)).status).toBe(503);
  });

  it("are another organisation's business nowhere", async () => {
    const [org, other] = [await studio.newOrg(), await studio.newOrg()];
    const id = await added(org);
    const { token } = other.owner;
    expect((await send(other, "GET", "")).body.items).toEqual([]);
    for (const [method, path, body] of [
      ["PUT", `/${id}`, bucket()],
      ["DELETE", `/${id}`],
      ["POST", `/${id}/test`],
    ] as const)
      expect((await send(other, method, path, body)).status).toBe(404);
    expect((await send(org, "GET", "", undefined, token)).status).toBe(404);
    expect((await send(org, "GET", "")).body.items).toHaveLength(1);
  });

  it("are for owners and admins alone", async () => {
    const org = await studio.newOrg();
    const id = await added(org);
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const { token } = await studio.newMember(org, role);
      expect((await send(org, "GET", "", undefined, token)).status).toBe(403);
      expect((await send(org, "POST", `/${id}/test`, undefined, token)).status).toBe(403);
    }
  });

  it("have names of their own, and an end to their number", async () => {
    const org = await studio.newOrg();
    await added(org);
    expect((await send(org, "POST", "", bucket())).status).toBe(409);
    for (let n = 1; n < destinationsMax; n += 1) await added(org, { name: `n${n}` });
    expect((await send(org, "POST", "", bucket({ name: "one more" }))).status).toBe(409);
  });

  it("are gone with their secret, at once", async () => {
    const org = await studio.newOrg();
    const id = await added(org);
    expect((await send(org, "DELETE", `/${id}`)).status).toBe(204);
    expect(await asSuperuser("SELECT FROM control.export_destinations WHERE id = $1", [id])).toEqual([]);
    expect((await send(org, "POST", `/${id}/test`)).status).toBe(404);
  });
});

describe("the limit of rows above which a second administrator agrees", () => {
  it("is the platform's until the organisation sets its own", async () => {
    const org = await studio.newOrg();
    const at = `/api/v1/orgs/${org.slug}/export-settings`;
    const { token } = org.owner;
    expect((await studio.send("GET", at, { token })).body).toEqual({ approval_rows: 100_000 });
    expect((await studio.send("PUT", at, { token, body: { approval_rows: 0 } })).status).toBe(200);
    expect((await studio.send("GET", at, { token })).body).toEqual({ approval_rows: 0 });
    for (const approval_rows of [-1, 1.5, 2_000_001, "many"])
      expect((await studio.send("PUT", at, { token, body: { approval_rows } })).status).toBe(422);
  });
});

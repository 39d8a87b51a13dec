import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stepUpMsMax } from "../../../core/limits.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  studio.standIns.broken.clear();
  studio.standIns.calls.length = 0;
  org = await studio.newOrg();
  studio.standIns.calls.length = 0;
});

const at = (): string => `/api/v1/orgs/${org.slug}/encryption`;
const asked = (): readonly unknown[] => studio.standIns.calls.map(({ method, by, args }) => [method, by, ...args]);
const put = (body: unknown, token = org.owner.token) => studio.send("PUT", at(), { body, token });
const https = { keeper: "https", address: "https://keys.example.org/v1", token: "t".repeat(16) };
const kms = {
  keeper: "aws_kms",
  key_arn: "arn:aws:kms:ap-south-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  access_key_id: "AKIDEXAMPLEEXAMPLE",
  secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

describe("the keeper of an organisation's key", () => {
  it("is shown without anything secret", async () => {
    const { status, body } = await studio.send("GET", at(), { token: org.owner.token });
    expect(status).toBe(200);
    expect(body).toMatchObject({ keeper: "https", address: "https://keys.example.org", key_arn: null, failure: null });
    expect(JSON.stringify(body)).not.toMatch(/"(?:token|secret\w*|wrapped)"/);
  });

  it.each([
    ["Sentinel", { keeper: "sentinel" }, { kind: "sentinel" }, "sentinel"],
    ["a key service", https, { kind: "https", address: https.address, token: https.token }, "https"],
    [
      "AWS KMS",
      kms,
      { kind: "aws_kms", keyArn: kms.key_arn, accessKeyId: kms.access_key_id, secretAccessKey: kms.secret_access_key },
      "1234abcd-12ab-34cd-56ef-1234567890ab",
    ],
  ])("is named by an owner: %s, and the change is on record without its secrets", async (_, body, keeper, key_id) => {
    const sent = await put(body);
    expect(sent.status).toBe(200);
    expect(asked()).toEqual([["changeKeeper", "owner", keeper]]);
    const events = studio.audit.of(sent.requestId).map(({ event }) => event);
    expect(events).toContainEqual({
      type: "key_change",
      user_id: org.owner.id,
      kind: "key_encryption_key",
      key_id,
      action: "rotated",
    });
    expect(JSON.stringify(events)).not.toContain(https.token);
    expect(JSON.stringify(events)).not.toContain(kms.secret_access_key);
  });

  it.each([
    ["no keeper", {}],
    ["an unknown keeper", { keeper: "vault" }],
    ["a field of another keeper", { keeper: "sentinel", token: https.token }],
    ["a short token", { ...https, token: "short" }],
    ["a token with a line break", { ...https, token: `${https.token}\r\nX: y` }],
    ["no address", { ...https, address: "" }],
    ["an address with a query", { ...https, address: "https://keys.example.org/v1?x=1" }],
    ["an address that ends in a slash", { ...https, address: "https://keys.example.org/" }],
    ["an alias", { ...kms, key_arn: "arn:aws:kms:ap-south-1:111122223333:alias/mine" }],
    ["a region that is a host", { ...kms, key_arn: kms.key_arn.replace("ap-south-1", "x.attacker.example") }],
    ["no secret", { ...kms, secret_access_key: "" }],
  ])("is refused with %s, and nobody is asked", async (_, body) => {
    const sent = await put(body);
    expect([sent.status, sent.body?.code]).toEqual([422, "invalid_request"]);
    expect(asked()).toEqual([]);
  });

  it("is for owners: an admin, a reader and an API key's role get nothing", async () => {
    for (const role of ["admin", "readonly", "viewer"] as const) {
      const member = await studio.newMember(org, role);
      expect((await studio.send("GET", at(), { token: member.token })).status).toBe(403);
      expect((await put({ keeper: "sentinel" }, member.token)).status).toBe(403);
      expect((await studio.send("POST", `${at()}/verify`, { token: member.token })).status).toBe(403);
    }
    const stranger = await studio.newOrg();
    expect((await studio.send("GET", at(), { token: stranger.owner.token })).status).toBe(404);
    expect(
      asked().filter((call) => ["describe", "changeKeeper", "verify"].includes(String((call as string[])[0]))),
    ).toEqual([]);
  });

  it("that does not answer is 503 with its own code, on record, and says when to come again", async () => {
    studio.standIns.broken.add("the keeper");
    for (const sent of [await put(https), await studio.send("POST", `${at()}/verify`, { token: org.owner.token })]) {
      expect([sent.status, sent.body?.code, sent.headers.get("Retry-After")]).toEqual([503, "key_unavailable", "5"]);
      const events = studio.audit.of(sent.requestId).map(({ event }) => event);
      expect(events).toContainEqual(expect.objectContaining({ kind: "key_encryption_key", action: "unavailable" }));
      expect(events).not.toContainEqual(expect.objectContaining({ action: "rotated" }));
    }
  });

  it("is changed with a proof of the last ten minutes alone", async () => {
    studio.clock.nowMs += stepUpMsMax + 1;
    const sent = await put({ keeper: "sentinel" });
    expect([sent.status, sent.body?.code]).toEqual([401, "step_up_required"]);
    expect(asked()).toEqual([]);
  });
});

describe("an organisation's data keys", () => {
  it.each([
    ["rotate", "data_key"],
    ["rewrap", "key_encryption_key"],
  ])("%s on the operator's word, by a job of its own, and both logs have it", async (verb, kind) => {
    const sent = await studio.send("POST", `/api/v1/operator/orgs/${org.slug}/data-keys/${verb}`, {
      token: operatorToken,
    });
    expect(sent.status).toBe(200);
    expect(asked()).toEqual([[verb, "tend_keys"]]);
    const logs = studio.audit.of(sent.requestId).filter(({ event }) => event.type === "key_change");
    expect(new Set(logs.map(({ log }) => log))).toEqual(new Set([null, org.id]));
    for (const { event } of logs) expect(event).toMatchObject({ kind, action: "rotated", user_id: null });
  });

  it("are not there for anybody else, and not of an organisation that is not", async () => {
    const path = (target: string): string => `/api/v1/operator/orgs/${target}/data-keys/rotate`;
    expect((await studio.send("POST", path(org.slug), { token: org.owner.token })).status).toBe(404);
    expect((await studio.send("POST", path("nobody-here"), { token: operatorToken })).status).toBe(404);
    expect(asked()).toEqual([]);
  });
});

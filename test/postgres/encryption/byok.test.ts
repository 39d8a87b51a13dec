import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { unwrappedMsMax } from "../../../core/crypto/unwrapped-keys.ts";
import type { DeviceId, OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Result } from "../../../core/rpc/capabilities.ts";
import type { EncryptionState } from "../../../core/rpc/data.ts";
import type { EncryptionRpc, KeeperInput } from "../../../core/rpc/encryption.ts";
import { shredDataKeys } from "../../../store/control/data-keys.ts";
import { scopeOf } from "../../support/scopes.ts";
import { credentials, type KmsPeer, keyArn, startKmsPeer } from "../../unit/capabilities/kms-peer.ts";
import { testKeyEncryptionKey } from "../capabilities/data-keys.ts";
import { asSuperuser, controlDatabase } from "../support.ts";
import { createKit, type Isolate, type Kit } from "./kit.ts";

const kms: KeeperInput = { kind: "aws_kms", keyArn, ...credentials };
let kit: Kit;
let peer: KmsPeer;
let org: OrgId;
let device: DeviceId;
/** Of every isolate that a test makes. */
let nowMs: number;
beforeAll(async () => {
  [kit, peer] = await Promise.all([createKit(), startKmsPeer()]);
  peer.now = () => nowMs;
});
afterAll(() => peer.stop());
beforeEach(async () => {
  peer.fails = null;
  nowMs = Date.now();
  ({ org, device } = await kit.organisation());
});

const isolate = (env: Record<string, string> = {}): Isolate =>
  kit.isolate({ fetch: peer.fetch, now: () => nowMs, env });
const owner = (of = org): Promise<SignedCall> => kit.as(of, "capabilities.encryption");
const codeOf = (result: Result<unknown>): string => (result.ok ? "ok" : result.code);
const stateOf = (result: Result<EncryptionState>): EncryptionState => {
  if (!result.ok) throw new Error(result.code);
  return result.value;
};
const change = async (by: Isolate, keeper: KeeperInput, of = org): Promise<Result<EncryptionState>> =>
  by.encryption.changeKeeper(await owner(of), keeper);
async function send(by: Isolate, note: string): Promise<string> {
  const command = { name: "ping", args: { note }, ttlSeconds: 60 } as const;
  return codeOf(await by.devices.sendCommand(await kit.as(org, "capabilities.devices"), device, command));
}
/** The notes of all commands, oldest first, or why they can't be read. */
async function notes(by: Isolate): Promise<unknown> {
  const call = await kit.as(org, "capabilities.devices");
  const result = await by.devices.listCommands(call, device, { limit: 100, cursor: null });
  return result.ok ? result.value.items.map(({ args }) => args?.["note"]).toReversed() : result.code;
}

describe("a key of the customer's own", () => {
  it("wraps every data key in place of Sentinel's, and what was sealed before stays readable everywhere", async () => {
    const first = isolate();
    await send(first, "before");
    expect(stateOf(await first.encryption.describe(await owner()))).toMatchObject({ keeper: { kind: "sentinel" } });
    const state = stateOf(await change(first, kms));
    expect(state.keeper).toEqual({
      kind: "aws_kms",
      settings: { key_arn: keyArn, access_key_id: credentials.accessKeyId },
    });
    await send(first, "after");
    expect(await notes(isolate())).toEqual(["before", "after"]);
    // Sentinel's own key opens nothing of it any more.
    const [row] = await asSuperuser("SELECT wrapped FROM control.data_keys WHERE org_id = $1", [org]);
    expect(row?.["wrapped"]).not.toMatch(/^s1\./);
    expect(peer.asked.at(-1)).toEqual({
      action: "Decrypt",
      context: { org, purpose: `data-key:${state.keys[0]?.id}` },
    });
  });

  it("lies with its credentials nowhere in clear", async () => {
    await change(isolate(), kms);
    const rows = await asSuperuser(
      "SELECT s::text AS settings, k::text AS key FROM control.encryption_settings s JOIN control.data_keys k USING (org_id) WHERE s.org_id = $1",
      [org],
    );
    const stored = JSON.stringify(rows);
    expect(stored).toContain(keyArn);
    expect(stored).not.toContain(credentials.secretAccessKey);
    expect(stored).not.toContain(Buffer.from(credentials.secretAccessKey).toString("base64url"));
  });

  it("once withdrawn makes everything sealed unreadable within ten minutes, and nothing is stored in clear instead", async () => {
    const [warm, cold] = [isolate(), isolate()];
    await change(warm, kms);
    await send(warm, "secret");
    expect(await notes(warm)).toEqual(["secret"]);
    peer.fails = { status: 400, type: "DisabledException" };
    expect(await notes(cold)).toBe("key_unavailable");
    nowMs += unwrappedMsMax;
    const published = kit.hub.of(org).published.length;
    expect(await notes(warm)).toBe("key_unavailable");
    expect(await send(warm, "another")).toBe("key_unavailable");
    expect(kit.hub.of(org).published).toHaveLength(published);
    expect(stateOf(await warm.encryption.describe(await owner()))).toMatchObject({ failure: "refused" });
    expect(codeOf(await warm.encryption.verify(await owner()))).toBe("key_unavailable");

    // Given back, everything is there again.
    peer.fails = null;
    nowMs += 5_000;
    expect(await notes(cold)).toEqual(["secret"]);
    expect(codeOf(await warm.encryption.verify(await owner()))).toBe("ok");
  });

  it("of one organisation does not keep another from its own", async () => {
    const shared = isolate();
    const other = await kit.organisation();
    await change(shared, kms);
    await send(shared, "mine");
    peer.fails = { status: 400, type: "DisabledException" };
    nowMs += unwrappedMsMax;
    expect(await notes(shared)).toBe("key_unavailable");
    ({ org, device } = other);
    expect(await send(shared, "theirs")).toBe("ok");
    expect(await notes(shared)).toEqual(["theirs"]);
  });

  it("is not taken from a keeper that does not give back what it was given, nor left to one that does not answer", async () => {
    const by = isolate();
    await send(by, "one");
    peer.fails = { status: 400, type: "AccessDeniedException" };
    expect(codeOf(await change(by, kms))).toBe("key_unavailable");
    expect(stateOf(await by.encryption.describe(await owner())).keeper.kind).toBe("sentinel");
    peer.fails = null;
    expect(codeOf(await change(by, kms))).toBe("ok");
    // Without the present keeper there is nothing to hand to the next one: Sentinel can't take a key back.
    peer.fails = { status: 400, type: "DisabledException" };
    expect(codeOf(await change(by, { kind: "sentinel" }))).toBe("key_unavailable");
    expect(stateOf(await by.encryption.describe(await owner())).keeper.kind).toBe("aws_kms");
    peer.fails = null;
    expect(codeOf(await change(by, { kind: "sentinel" }))).toBe("ok");
    expect(await notes(isolate())).toEqual(["one"]);
  });

  it("is an owner's to change and to look at, nobody else's", async () => {
    const { encryption } = isolate();
    for (const role of ["admin", "analyst", "viewer", "readonly"] as const) {
      const call = (): Promise<SignedCall> => kit.as(org, "capabilities.encryption", role);
      expect(codeOf(await encryption.describe(await call()))).toBe("forbidden");
      expect(codeOf(await encryption.changeKeeper(await call(), { kind: "sentinel" }))).toBe("forbidden");
      expect(codeOf(await encryption.verify(await call()))).toBe("forbidden");
      expect(codeOf(await encryption.rotate(await call()))).toBe("forbidden");
    }
    // The operator's job tends keys, and neither looks nor changes keepers.
    await expect(encryption.describe(await kit.asJob(org))).rejects.toThrow("wrong_job");
    await expect(encryption.changeKeeper(await kit.asJob(org), { kind: "sentinel" })).rejects.toThrow("wrong_job");
    await expect(encryption.rotate(await kit.asJob(org, "provision"))).rejects.toThrow("wrong_job");
    await expect(encryption.describe(await kit.as(org, "capabilities.devices"))).rejects.toThrow("wrong_audience");
  });
});

describe("data keys", () => {
  it("are rotated while everybody goes on: old texts open, new ones are under the new key", async () => {
    const [here, there] = [isolate(), isolate()];
    await send(here, "old");
    expect(await notes(there)).toEqual(["old"]);
    const state = stateOf(await here.encryption.rotate(await kit.asJob(org)));
    expect(new Set(state.keys.map((key) => key.current))).toEqual(new Set([false, true]));
    await send(here, "new");
    expect(await notes(there)).toEqual(["old", "new"]);
    expect(await notes(isolate())).toEqual(["old", "new"]);
  });

  it("move to a new key-encryption key of Sentinel's while both are configured; then the old one can go", async () => {
    const before = isolate();
    await change(before, kms);
    await change(before, { kind: "sentinel" });
    await send(before, "old");
    const next = randomBytes(32).toString("base64url");
    const both = { DATA_KEY_ENCRYPTION_KEY: next, DATA_KEY_ENCRYPTION_KEY_PREVIOUS: testKeyEncryptionKey };
    expect(await notes(isolate({ DATA_KEY_ENCRYPTION_KEY: next }))).toBe("key_unavailable");
    expect(await notes(isolate(both))).toEqual(["old"]);
    expect(codeOf(await isolate(both).encryption.rewrap(await kit.asJob(org)))).toBe("ok");
    expect(await notes(isolate({ DATA_KEY_ENCRYPTION_KEY: next }))).toEqual(["old"]);
    expect(await notes(isolate())).toBe("key_unavailable");
  });

  it("of a customer's keeper move their credentials to Sentinel's new key likewise", async () => {
    await change(isolate(), kms);
    await send(isolate(), "old");
    const next = randomBytes(32).toString("base64url");
    const both = { DATA_KEY_ENCRYPTION_KEY: next, DATA_KEY_ENCRYPTION_KEY_PREVIOUS: testKeyEncryptionKey };
    expect(codeOf(await isolate(both).encryption.rewrap(await kit.asJob(org)))).toBe("ok");
    expect(await notes(isolate({ DATA_KEY_ENCRYPTION_KEY: next }))).toEqual(["old"]);
    expect(await notes(isolate())).toBe("key_unavailable");
  });

  it("stay whole when keepers are changed, keys rotated and rows sealed at the same moment", async () => {
    const first = isolate();
    await send(first, "0");
    const works: ((by: EncryptionRpc) => Promise<Result<EncryptionState>>)[] = [
      async (by) => by.changeKeeper(await owner(), kms),
      async (by) => by.rotate(await kit.asJob(org)),
      async (by) => by.rewrap(await kit.asJob(org)),
      async (by) => by.changeKeeper(await owner(), { kind: "sentinel" }),
    ];
    const changes = Array.from({ length: 12 }, (_, index) =>
      (works[index % works.length] as (typeof works)[number])(isolate().encryption),
    );
    const sent = Array.from({ length: 12 }, (_, index) => send(isolate(), String(index + 1)));
    for (const result of await Promise.all(changes)) expect(["ok", "conflict"]).toContain(codeOf(result));
    expect(new Set(await Promise.all(sent))).toEqual(new Set(["ok"]));
    expect(new Set((await notes(isolate())) as string[]).size).toBe(13);
  });

  it("once shredded take with them what they sealed", async () => {
    const by = isolate();
    await send(by, "gone");
    await shredDataKeys(controlDatabase, scopeOf(org));
    expect(await notes(isolate())).toBe("key_unavailable");
    nowMs += unwrappedMsMax;
    expect(await notes(by)).toBe("key_unavailable");
    expect(await send(by, "new")).toBe("key_unavailable");
    expect(codeOf(await change(by, kms))).toBe("key_unavailable");
  });
});

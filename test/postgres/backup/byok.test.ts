/** Backups of an organisation that keeps its own key: they are as readable as the organisation lets them be. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { unwrappedMsMax } from "../../../core/crypto/unwrapped-keys.ts";
import type { BackupsRpc } from "../../../core/rpc/backups.ts";
import { createEncryption } from "../../../workers/capabilities/keys/encryption.ts";
import { credentials, type KmsPeer, keyArn, startKmsPeer } from "../../unit/capabilities/kms-peer.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { type FreshTenant, freshTenant } from "../support.ts";
import { contentOf, fillTenant, newBackupId, restore } from "./kit.ts";
import { createPlatformKit, orderOf, type PlatformKit, recordMade } from "./platform-kit.ts";

const long = 120_000;
let kit: PlatformKit;
let peer: KmsPeer;
let tenant: FreshTenant;
/** Of every isolate's keys. */
let nowMs: number;
beforeAll(async () => {
  [kit, peer] = await Promise.all([createPlatformKit(), startKmsPeer()]);
  peer.now = () => nowMs;
}, long);
afterAll(async () => {
  await peer.stop();
  await kit.stop();
});
beforeEach(async () => {
  peer.fails = null;
  nowMs = Date.now();
  tenant = await freshTenant();
  const caller = kit.mesh.callerOf("capabilities");
  const encryption = createEncryption({
    keys: kit.mesh.keys,
    caller,
    ...kit.keys({ fetch: peer.fetch, now: () => nowMs }),
    now: Date.now,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
  });
  const owner = await kit.mesh.accessToken({ user: newId("user"), org: tenant.org, role: "owner" });
  const call = await kit.mesh.callerOf("studio").asUser("capabilities.encryption", owner, newId("request"));
  const changed = await encryption.changeKeeper(call, { kind: "aws_kms", keyArn, ...credentials });
  if (!changed.ok) throw new Error(changed.code);
});

/** A capabilities isolate that holds nothing yet. */
const isolate = (): BackupsRpc => kit.backups({ tenantKeys: kit.keys({ fetch: peer.fetch, now: () => nowMs }).of });

it("is made under the organisation's own keeper, and is nobody's to read once that key is withdrawn", {
  timeout: long,
}, async () => {
  await fillTenant(tenant, 10);
  const before = await contentOf(tenant);
  const backup = newBackupId();
  const made = await isolate().make(await kit.call(tenant.org), orderOf(tenant.org, backup));
  if (!made.ok) throw new Error(made.code);
  await recordMade(tenant.org, backup, made.value);
  const warm = isolate();
  const open = async (by: BackupsRpc) => by.openKey(await kit.call(tenant.org), backup);
  expect((await open(warm)).ok).toBe(true);

  peer.fails = { status: 400, type: "DisabledException" };
  expect(await open(isolate())).toEqual({ ok: false, code: "key_unavailable" });
  nowMs += unwrappedMsMax;
  expect(await open(warm)).toEqual({ ok: false, code: "key_unavailable" });

  // Given back, everything is there again.
  peer.fails = null;
  nowMs += 5_000;
  const opened = await open(isolate());
  if (!opened.ok) throw new Error(opened.code);
  const file = await kit.file(tenant.org, backup);
  await restore(tenant, file ?? Buffer.alloc(0), opened.key);
  expect(await contentOf(tenant)).toEqual(before);
});

it("is not made under another key while the keeper refuses, and nothing is read for it", async () => {
  peer.fails = { status: 400, type: "DisabledException" };
  let read = false;
  const order = {
    ...orderOf(tenant.org),
    controlLines: async () => {
      read = true;
      return {};
    },
  };
  expect(await isolate().make(await kit.call(tenant.org), order)).toEqual({ ok: false, code: "key_unavailable" });
  expect([read, await kit.objects(tenant.org)]).toEqual([false, []]);
});

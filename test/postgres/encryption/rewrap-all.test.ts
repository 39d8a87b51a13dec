/** `keys rewrap --all` below its command line: real capabilities wrap, the database says what is left. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { type RewrapResult, rewrapEverybody } from "../../../scripts/migrate/tenants/rewrap.ts";
import { credentials, type KmsPeer, keyArn, startKmsPeer } from "../../unit/capabilities/kms-peer.ts";
import { asSuperuser, setup } from "../support.ts";
import { createKit, type Isolate, type Kit } from "./kit.ts";

const newKey = (): string => randomBytes(32).toString("base64url");

let kit: Kit;
let peer: KmsPeer;
/** Three of Sentinel's own keeping, then one that keeps its own key. */
let orgs: OrgId[];
let old: string;
beforeAll(async () => {
  [kit, peer] = await Promise.all([createKit(), startKmsPeer()]);
  peer.now = Date.now;
});
afterAll(() => peer.stop());
beforeEach(async () => {
  old = newKey();
  orgs = [];
  const before = isolate({ DATA_KEY_ENCRYPTION_KEY: old });
  for (let made = 0; made < 4; made += 1) orgs.push((await kit.organisation()).org);
  for (const org of orgs) await succeed(before.encryption.rotate(await kit.asJob(org)));
  const keeper = { kind: "aws_kms", keyArn, ...credentials } as const;
  await succeed(before.encryption.changeKeeper(await kit.as(orgs[3]!, "capabilities.encryption"), keeper));
});

const isolate = (env: Record<string, string>): Isolate => kit.isolate({ fetch: peer.fetch, env });

async function succeed(work: Promise<{ readonly ok: boolean }>): Promise<void> {
  expect(await work).toMatchObject({ ok: true });
}

/** One run. The control plane is common to all files: what is another file's fails here, and is left out. */
async function run(
  present: string,
  rewrap: (org: OrgId, work: () => Promise<void>) => Promise<void> = (_org, work) => work(),
): Promise<Pick<RewrapResult, "rewrapped"> & { asked: OrgId[]; failed: OrgId[]; left: OrgId[]; before: boolean }> {
  const asked: OrgId[] = [];
  const { encryption } = isolate({ DATA_KEY_ENCRYPTION_KEY: present, DATA_KEY_ENCRYPTION_KEY_PREVIOUS: old });
  const result = await rewrapEverybody({
    controlUrl: setup.ownerUrls["first"]!,
    onLook: ({ done, failed, pending }) => expect(done + failed).toBeLessThanOrEqual(pending),
    rewrap: async (org) => {
      if (!orgs.includes(org)) throw new Error("another file's");
      asked.push(org);
      await rewrap(org, async () => succeed(encryption.rewrap(await kit.asJob(org))));
    },
  });
  const mine = (all: readonly OrgId[]): OrgId[] => all.filter((org) => orgs.includes(org));
  return {
    rewrapped: result.rewrapped,
    before: result.before > 0,
    asked,
    failed: mine(result.failed.map(({ org }) => org)),
    left: mine(result.left),
  };
}
/** Whether this key alone opens everything of theirs. */
async function areOpenedBy(key: string): Promise<boolean> {
  const { encryption } = isolate({ DATA_KEY_ENCRYPTION_KEY: key });
  const opened = orgs.map(async (org) => (await encryption.verify(await kit.as(org, "capabilities.encryption"))).ok);
  return (await Promise.all(opened)).every(Boolean);
}

describe("wrapping everybody's keys anew", () => {
  it("moves data keys and keepers' credentials, so that the old key can go", async () => {
    const next = newKey();
    const done = await run(next);
    expect(done).toMatchObject({ rewrapped: 4, failed: [], left: [] });
    expect(done.asked.toSorted()).toEqual(orgs.toSorted());
    expect([await areOpenedBy(next), await areOpenedBy(old)]).toEqual([true, false]);
  });

  it("goes on where it was cut off, and says until then who is left", async () => {
    const next = newKey();
    const [, second, third, fourth] = orgs.toSorted();
    const killed = new Error("killed");
    const cut = await run(next, async (org, work) => {
      if (org === third || org === fourth) throw killed;
      await work();
    });
    expect(cut).toMatchObject({ rewrapped: 2, failed: [third, fourth], left: [third, fourth] });
    const again = await run(next);
    // The first is asked again: what it is wrapped by then is what the others are compared with.
    expect(again).toMatchObject({ rewrapped: 3, before: true, failed: [], left: [] });
    expect(again.asked).not.toContain(second);
  });

  it("names whose keeper does not answer, and does the others", async () => {
    const next = newKey();
    peer.fails = { status: 400, type: "DisabledException" };
    try {
      expect(await run(next)).toMatchObject({ failed: [orgs[3]], left: [orgs[3]] });
    } finally {
      peer.fails = null;
    }
  });

  it("leaves out whose keys were shredded, and who has none", async () => {
    const [first, second] = orgs.toSorted();
    await asSuperuser(
      "UPDATE control.encryption_settings SET shredded_at = now(), current_key = NULL, keeper = 'sentinel', keeper_settings = '{}', keeper_credentials = NULL WHERE org_id = $1",
      [first],
    );
    await asSuperuser("UPDATE control.encryption_settings SET current_key = NULL WHERE org_id = $1", [second]);
    await asSuperuser("DELETE FROM control.data_keys WHERE org_id = $1", [second]);
    const done = await run(newKey());
    expect(done.asked).not.toContain(first);
    expect(done.left).toEqual([]);
  });
});

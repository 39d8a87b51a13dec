import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Job } from "../../../core/mesh/workloads.ts";
import { type HubBackupRpc, type HubExport, hubPageBytes } from "../../../core/rpc/hub-backup.ts";
import { sha256Hex } from "../../../durable-objects/tenant-hub/authenticate.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  Client,
  drain,
  enrol,
  entrypoints,
  evict,
  newDevice,
  newGroup,
  newOrg,
  newToken,
  newUser,
  refused,
  sample,
  stopClock,
  studio,
  type TestDevice,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const { HubBackup: backup } = entrypoints as typeof entrypoints & { readonly HubBackup: HubBackupRpc };

function jobCall(
  org: OrgId,
  job: Job = "backup",
  audience = "durable-objects.hub-backup" as const,
): Promise<SignedCall> {
  const request = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  return studio().asJob(audience, job, org, request);
}

type Line = [table: string, row: Record<string, unknown>];

async function read(org: OrgId, begun: HubExport): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { object, pages } of begun.objects) {
    let text = "";
    for (let page = 0; page < pages; page += 1) {
      const bytes = await backup.readExport(await jobCall(org), org, { export: begun.export, object, page });
      expect(bytes!.length).toBeLessThanOrEqual(hubPageBytes);
      text += new TextDecoder("latin1").decode(bytes!);
    }
    for (const line of text.split("\n").slice(0, -1)) lines.push(JSON.parse(line) as Line);
  }
  return lines;
}
const begin = async (org: OrgId): Promise<HubExport> => backup.beginExport(await jobCall(org), org);
const exported = async (org: OrgId): Promise<Line[]> => read(org, await begin(org));
const rowsOf = (lines: readonly Line[], table: string): Record<string, unknown>[] =>
  lines.filter(([name]) => name === table).map(([, row]) => row);

/** Devices of which one has a message waiting, one a retained message, and one telemetry on its way. */
async function livedIn(): Promise<{ org: OrgId; devices: TestDevice[] }> {
  const org = newOrg();
  const devices = [await enrol(org), await enrol(org)];
  const client = await Client.device(devices[0]!);
  await client.subscribe([devices[0]!.topic("commands")]);
  await client.publish(devices[0]!.topic("reported"), "retained", 1, true);
  client.drop();
  await entrypoints.HubControl.publishCommand(await userCall(org), org, devices[0]!.id, "waiting");
  return { org, devices };
}

describe("an export of a hub", () => {
  it("holds devices, sessions, what waits and what is retained, and is the same again after an eviction", async () => {
    const { org, devices } = await livedIn();
    const lines = await exported(org);
    expect(
      rowsOf(lines, "devices")
        .map((row) => row["device"])
        .sort(),
    ).toEqual(devices.map(({ id }) => id).sort());
    expect(rowsOf(lines, "messages")).toMatchObject([
      { topic: devices[0]!.topic("commands"), payload: { base64: btoa("waiting") } },
    ]);
    expect(rowsOf(lines, "retained")).toContainEqual(
      expect.objectContaining({ topic: devices[0]!.topic("reported"), payload: { base64: btoa("retained") } }),
    );
    expect(rowsOf(lines, "subscriptions")).toHaveLength(1);
    await evict(org);
    expect(await exported(org)).toEqual(lines);
  });

  it("is of one moment: what comes while it is read is not in it", async () => {
    const { org, devices } = await livedIn();
    const before = await exported(org);
    const begun = await begin(org);
    const late = await enrol(org);
    const client = await Client.device(devices[1]!);
    await client.publish(devices[1]!.topic("reported"), "late", 1, true);
    await evict(org);
    expect(await read(org, begun)).toEqual(before);
    expect(rowsOf(await exported(org), "devices").map((row) => row["device"])).toContain(late.id);
  });

  it("holds telemetry that was acknowledged and is not in Postgres yet", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    expect(await client.publish(device.topic("telemetry"), sample("on-its-way"))).toMatchObject({ type: "puback" });
    expect(JSON.stringify(rowsOf(await exported(org), "outbox"))).toContain("on-its-way");
    await drain(org);
    expect(rowsOf(await exported(org), "outbox")).toEqual([]);
  });

  it("goes over many pages, whose ends are nobody's", async () => {
    const org = newOrg();
    const payload = "é".repeat(25_000);
    const count = 100;
    for (let n = 0; n < count; n += 1) {
      const device = await enrol(org);
      await (await Client.device(device)).publish(device.topic("reported"), payload, 1, true);
    }
    const begun = await begin(org);
    expect(Math.max(...begun.objects.map(({ pages }) => pages))).toBeGreaterThan(1);
    const stored = rowsOf(await read(org, begun), "retained").filter(({ topic }) => String(topic).endsWith("reported"));
    expect(stored).toHaveLength(count);
    for (const { payload: each } of stored)
      expect(Buffer.from((each as { base64: string }).base64, "base64").toString()).toBe(payload);
  });

  it("leaves out API keys' hashes", async () => {
    const org = newOrg();
    const user = newUser();
    const control = entrypoints.HubControl;
    await control.putMember(await userCall(org), org, user, "viewer");
    const sid = makeId("session", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const sha256 = sha256Hex("sak_of-somebody");
    await control.putKey(await userCall(org), org, user, { sha256, sid, expiresAtMs: Date.now() + 60_000 });
    const text = JSON.stringify(await exported(org));
    expect(text).toContain(user);
    expect(text).not.toContain(sha256);
  });

  it("is gone once it was ended or another was begun", async () => {
    const { org } = await livedIn();
    const [first, second] = [await begin(org), await begin(org)];
    const page = async (which: HubExport): Promise<unknown> =>
      backup.readExport(await jobCall(org), org, { export: which.export, object: which.objects[0]!.object, page: 0 });
    expect(await page(first)).toBeNull();
    expect(await page(second)).not.toBeNull();
    await backup.endExport(await jobCall(org), org, second.export);
    expect(await page(second)).toBeNull();
  });

  it("is read by nobody but studio's job: no owner, no other job, and not by another organisation's name", async () => {
    const { org } = await livedIn();
    await refused(async () => backup.beginExport(await userCall(org), org));
    await refused(async () => backup.beginExport(await jobCall(newOrg()), org));
    await refused(async () => backup.beginExport(await jobCall(org, "lifecycle"), org));
    await refused(async () =>
      backup.reconcile(await jobCall(org, "provision"), org, {
        kind: "devices",
        after: null,
        until: null,
        devices: [],
      }),
    );
    const begun = await begin(org);
    const other = newOrg();
    const stolen = { export: begun.export, object: begun.objects[0]!.object, page: 0 };
    expect(await backup.readExport(await jobCall(other), other, stolen)).toBeNull();
  });

  it("is read for the platform's own backups, which tell a hub nothing of what there is now", async () => {
    const { org } = await livedIn();
    const mine = (): Promise<SignedCall> => jobCall(org, "tend_backups");
    const begun = await backup.beginExport(await mine(), org);
    const page = { export: begun.export, object: begun.objects[0]!.object, page: 0 };
    expect(await backup.readExport(await mine(), org, page)).not.toBeNull();
    const nothing = { kind: "devices", after: null, until: null, devices: [] } as const;
    await refused(async () => backup.reconcile(await mine(), org, nothing));
    await backup.endExport(await mine(), org, begun.export);
  });
});

describe("a hub that is told what was restored", () => {
  const of = (device: TestDevice): { device: TestDevice["id"]; tokenSha256: string } => {
    return { device: device.id, tokenSha256: sha256Hex(device.token) };
  };

  it("lets a device in again that was removed since, with the token it had, and no other one that was enrolled since", async () => {
    const org = newOrg();
    const [kept, removed, late] = [await enrol(org), await enrol(org), await enrol(org)];
    await entrypoints.HubControl.removeDevice(await userCall(org), org, removed.id);
    const [keptClient, lateClient] = [await Client.device(kept), await Client.device(late)];
    await backup.reconcile(await jobCall(org), org, {
      kind: "devices",
      after: null,
      until: null,
      devices: [of(kept), of(removed)],
    });
    expect(await lateClient.next()).toMatchObject({ type: "closed" });
    // Whom nothing changed for is not disturbed.
    expect(await keptClient.isQuiet()).toBe(true);
    await Client.device(removed);
    await evict(org);
    await Client.device(removed);
    const client = await Client.open(org);
    expect(await client.connect({ username: late.id, password: late.token })).not.toMatchObject({ reasonCode: 0 });
  });

  it("takes the token of then, and closes a socket that was opened with a later one", async () => {
    const device = await enrol(newOrg());
    const later = { ...device, token: newToken() };
    await entrypoints.HubControl.putDevice(await userCall(device.org), device.org, device.id, sha256Hex(later.token));
    const client = await Client.device(later);
    await backup.reconcile(await jobCall(device.org), device.org, {
      kind: "devices",
      after: null,
      until: null,
      devices: [of(device)],
    });
    expect(await client.next()).toMatchObject({ type: "closed" });
    await Client.device(device);
  });

  it("touches nothing outside of the range", async () => {
    const org = newOrg();
    const [first, second, third] = [await enrol(org), await enrol(org), await enrol(org)].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    await backup.reconcile(await jobCall(org), org, {
      kind: "devices",
      after: first!.id,
      until: second!.id,
      devices: [],
    });
    await Client.device(first!);
    await Client.device(third!);
    const client = await Client.open(org);
    expect(await client.connect({ username: second!.id, password: second!.token })).not.toMatchObject({
      reasonCode: 0,
    });
  });

  it("knows the groups of then and no other", async () => {
    const org = newOrg();
    const [group, later, device, member] = [newGroup(), newGroup(), newDevice(), newUser()];
    const content = { devices: [device], members: [member] };
    await entrypoints.HubControl.putGroup(await userCall(org), org, later, content);
    await backup.reconcile(await jobCall(org), org, {
      kind: "groups",
      after: null,
      until: null,
      groups: [{ group, ...content }],
    });
    const groups = rowsOf(await exported(org), "group_content");
    expect(groups).toEqual([{ id: group, devices: JSON.stringify([device]), members: JSON.stringify([member]) }]);
  });

  it.each([
    ["an id of another kind", { kind: "devices", after: newGroup(), until: null, devices: [] }],
    [
      "a hash that is none",
      { kind: "devices", after: null, until: null, devices: [{ device: newDevice(), tokenSha256: "x" }] },
    ],
    [
      "more than one range holds",
      {
        kind: "devices",
        after: null,
        until: null,
        devices: Array.from({ length: 251 }, () => ({ device: newDevice(), tokenSha256: "0".repeat(64) })),
      },
    ],
  ])("takes nothing from %s", async (_, range) => {
    const device = await enrol(newOrg());
    const call = await jobCall(device.org);
    await expect((async () => await backup.reconcile(call, device.org, range as never))()).rejects.toThrow(
      "not a range",
    );
    await Client.device(device);
  });
});

import { runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { HubLifecycleRpc } from "../../../core/rpc/durable-objects.ts";
import type { OrgState } from "../../../core/tenancy/org-state.ts";
import { homeNames, shardsMax } from "../../../durable-objects/tenant-hub/shards/home.ts";
import { ingest, resetIngest } from "./fake-ingest.ts";
import {
  Client,
  countRows,
  drain,
  enrol,
  entrypoints,
  evict,
  hubNamed,
  hubsOf,
  joinAndConnect,
  newOrg,
  nextAlarm,
  refused,
  sample,
  stopClock,
  studio,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const hub = entrypoints.HubControl as typeof entrypoints.HubControl & HubLifecycleRpc;

function lifecycleCall(org: OrgId): Promise<SignedCall> {
  const request = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  return studio().asJob("durable-objects.hub-control", "lifecycle", org, request);
}

async function tell(org: OrgId, state: OrgState, version: number): Promise<void> {
  await hub.setStanding(await lifecycleCall(org), org, { state, plan: "free", version });
}

/** With the hint that devices give: without one, a tenant of many objects answers nothing before CONNECT. */
async function upgradeStatus(org: OrgId): Promise<number> {
  const device = makeId("device", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const answer = await Client.upgrade({ "X-Sentinel-Org": org }, device);
  answer.webSocket?.accept();
  answer.webSocket?.close();
  // An answer that nobody reads keeps the object from being evicted.
  if (answer.webSocket === null) await answer.text();
  return answer.status;
}

describe("an organisation that is suspended", () => {
  it("has every socket closed before the word returns, and takes no other, also after an eviction", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    const member = await joinAndConnect(org, "owner");
    const silent = await Client.open(org, {}, 4, device.id);
    await tell(org, "suspended", 1);
    for (const one of [client, member, silent])
      expect(await one.next()).toMatchObject({
        type: "closed",
        code: 1008,
        reason: expect.stringMatching(/^org_suspended; retry after \d+ s$/),
      });
    expect(await upgradeStatus(org)).toBe(403);
    await evict(org);
    expect(await upgradeStatus(org)).toBe(403);
  });

  it("tells a 5.0 client why, by a code that is no word against its credentials, and when to come back", async () => {
    const org = newOrg();
    const client = await Client.modern(await enrol(org), "agent");
    await tell(org, "suspended", 1);
    expect(await client.next()).toMatchObject({
      type: "disconnect",
      reasonCode: reasonCodes.administrative_action,
      properties: { reasonString: expect.stringMatching(/^org_suspended; retry after \d+ s$/) },
    });
  });

  it("loses nothing: what waited for a device waits still, and what it sent comes to Postgres", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await client.subscribe([device.topic("commands")]);
    expect(await client.publish(device.topic("telemetry"), sample("before-it-was-shut"))).toMatchObject({
      type: "puback",
    });
    client.drop();
    await hub.publishCommand(await userCall(org), org, device.id, "waiting");
    await tell(org, "suspended", 1);
    await evict(org);
    await drain(org);
    expect(ingest.arrivals.get(org)).toContainEqual(expect.objectContaining({ sampleId: "before-it-was-shut" }));

    await tell(org, "active", 2);
    const back = await Client.device(device);
    expect(await back.message()).toMatchObject({ text: "waiting" });
  });

  it("is what the newest word says, whichever comes last", async () => {
    const org = newOrg();
    await tell(org, "active", 3);
    await tell(org, "suspended", 2);
    expect(await upgradeStatus(org)).toBe(101);
    await tell(org, "deleting", 4);
    await evict(org);
    await tell(org, "active", 3);
    expect(await upgradeStatus(org)).toBe(403);
  });

  it("is shut by nobody but studio's job: no owner, no other job, not for another organisation", async () => {
    const org = newOrg();
    const standing = { state: "suspended", plan: "free", version: 1 } as const;
    await refused(async () => hub.setStanding(await userCall(org, "owner"), org, standing));
    await refused(async () => hub.erase(await userCall(org, "owner"), org));
    const request = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const provision = await studio().asJob("durable-objects.hub-control", "provision", org, request);
    await refused(() => hub.erase(provision, org));
    await refused(async () => hub.erase(await lifecycleCall(newOrg()), org));
    expect(await upgradeStatus(org)).toBe(101);
  });

  it.each([
    { state: "closed", version: 1 },
    { state: "active", plan: "endless", version: 1 },
    { state: "suspended", version: -1 },
    { state: "suspended" },
    null,
  ])("is not what %j says", async (standing) => {
    const org = newOrg();
    const call = await lifecycleCall(org);
    await expect((async () => await hub.setStanding(call, org, standing as never))()).rejects.toThrow("standing");
    expect(await upgradeStatus(org)).toBe(101);
  });
});

describe("a hub that is erased", () => {
  it("keeps no table, no alarm and no socket in any object, and does not come back in memory", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await client.publish(device.topic("telemetry"), sample("to-be-forgotten"));
    expect(await countRows(org, "devices")).toBeGreaterThan(0);

    await hub.erase(await lifecycleCall(org), org);
    expect(await client.next()).toMatchObject({ type: "closed" });
    for (const name of [org, ...homeNames(org, shardsMax)]) {
      const left = await runInDurableObject(hubNamed(name), (_hub, state) =>
        state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
      );
      expect(left).toEqual([]);
    }
    expect(await nextAlarm(org)).toBeNull();
    expect(await upgradeStatus(org)).toBe(404);
    await expect((async () => hub.publishCommand(await userCall(org), org, device.id, "x"))()).rejects.toThrow();
  });

  it("knows no old device afterwards, and can be erased again", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await hub.erase(await lifecycleCall(org), org);
    await evict(org);
    const late = await Client.open(org, {}, 4, device.id);
    expect(await late.connect({ username: device.id, password: device.token })).toMatchObject({
      reasonCode: reasonCodes.bad_user_name_or_password,
    });
    await hub.erase(await lifecycleCall(org), org);
    for (const object of hubsOf(org)) {
      const tables = await runInDurableObject(object, (_hub, state) =>
        Number(state.storage.sql.exec("SELECT count(*) AS n FROM sqlite_master WHERE name = 'devices'").one()["n"]),
      );
      expect(tables).toBe(0);
    }
  });

  it("takes nothing from another organisation", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await enrol(org);
    const device = await enrol(other);
    const client = await Client.device(device);
    await hub.erase(await lifecycleCall(org), org);
    expect(await client.isQuiet()).toBe(true);
  });
});

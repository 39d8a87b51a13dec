import { runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeId, type OrgId } from "../../../core/ids.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { HubLifecycleRpc, HubUsageRpc } from "../../../core/rpc/durable-objects.ts";
import { messageDay } from "../../../core/tenancy/message-day.ts";
import { type Plan, planLimits } from "../../../core/tenancy/plan.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { parseShardCount } from "../../../durable-objects/tenant-hub/shards/home.ts";
import { ingest, resetIngest } from "./fake-ingest.ts";
import {
  Client,
  drain,
  enrol,
  entrypoints,
  evict,
  hubsOf,
  newOrg,
  objects,
  passTime,
  refused,
  ringAlarm,
  sample,
  stopClock,
  studio,
  type TestDevice,
  userCall,
} from "./harness.ts";

const dayMs = 86_400_000;

beforeAll(stopClock);
beforeEach(resetIngest);
// Far from midnight, whenever this runs.
beforeEach(() => passTime(dayMs + dayMs / 2 - (Date.now() % dayMs)));

const hub = entrypoints.HubControl as typeof entrypoints.HubControl & HubLifecycleRpc & HubUsageRpc;
async function putPlan(org: OrgId, plan: Plan, version: number): Promise<void> {
  const request = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const call = await studio().asJob("durable-objects.hub-control", "lifecycle", org, request);
  await hub.setStanding(call, org, { state: "active", plan, version });
}

async function usedToday(org: OrgId, role: Role = "owner"): Promise<number> {
  return (await hub.messagesToday(await userCall(org, role), org)).used;
}

/** Makes it so late on a plan's day that each object has so many records left; their numbers come as they do. */
async function leave(org: OrgId, plan: Plan, records: number): Promise<void> {
  const share = Math.ceil(planLimits[plan].messages_a_day / parseShardCount(objects.HUB_SHARDS));
  for (const object of hubsOf(org)) {
    await runInDurableObject(object, (_hub, { storage }) => {
      const [row] = storage.sql.exec("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").toArray();
      const before = Number(row?.["seq"] ?? 0) - (share - records);
      const begun = JSON.stringify({ day: messageDay(Date.now()), before });
      storage.sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('day', ?)", begun);
    });
  }
  await evict(org);
}

/** A device of an organisation of its own whose day has room for so many more, and its 5.0 connection. */
async function lateInTheDay(records: number): Promise<{ device: TestDevice; client: Client }> {
  const device = await enrol(newOrg());
  const client = await Client.modern(device, "agent");
  await leave(device.org, "free", records);
  return { device, client };
}

const samplesOf = (org: OrgId): string[] =>
  (ingest.arrivals.get(org) ?? []).flatMap((record) => (record.kind === "telemetry" ? [record.sampleId] : []));

describe("messages a day", () => {
  it("are counted at every QoS, in whichever object, and known after an eviction and after all have left", async () => {
    const org = newOrg();
    const devices = [await enrol(org), await enrol(org), await enrol(org), await enrol(org)];
    expect(await usedToday(org)).toBe(0);
    for (const device of devices) {
      const client = await Client.modern(device, "agent");
      await client.publish(device.topic("telemetry"), sample("a"), 0);
      await client.publish(device.topic("telemetry"), sample("b"), 1);
      expect(await client.publish(device.topic("events"), "not kept", 1)).toMatchObject({ type: "puback" });
    }
    // A device's coming is a record, too.
    expect(await usedToday(org)).toBe(12);
    await drain(org);
    await evict(org);
    expect(await usedToday(org)).toBe(12);
  });

  it("are used up: 5.0 hears 0x97 and until when, QoS 0 is dropped, and none of it is stored, evicted or not", async () => {
    const { device, client } = await lateInTheDay(1);
    expect(await client.publish(device.topic("telemetry"), sample("last"))).toMatchObject({
      reasonCode: reasonCodes.success,
    });
    for (const round of ["before", "after-an-eviction"]) {
      await client.publish(device.topic("telemetry"), sample(`dropped-${round}`), 0);
      expect(await client.publish(device.topic("telemetry"), sample(`late-${round}`))).toMatchObject({
        type: "puback",
        reasonCode: reasonCodes.quota_exceeded,
        properties: { reasonString: expect.stringMatching(/^quota_exceeded: messages_a_day; retry after \d+ s$/) },
      });
      await evict(device.org);
    }
    await drain(device.org);
    expect(samplesOf(device.org)).toEqual(["last"]);
  });

  it("begin anew at midnight UTC, and not when an object wakes", async () => {
    const { device, client } = await lateInTheDay(0);
    const code = async (id: string) => {
      const answer = await client.publish(device.topic("telemetry"), sample(id));
      return answer !== null && "reasonCode" in answer ? answer.reasonCode : null;
    };
    const { resetAtMs } = await hub.messagesToday(await userCall(device.org), device.org);
    expect(resetAtMs % dayMs).toBe(0);
    passTime(resetAtMs - Date.now() - 1);
    expect(await code("a-moment-early")).toBe(reasonCodes.quota_exceeded);
    await evict(device.org);
    expect(await code("early-still")).toBe(reasonCodes.quota_exceeded);
    passTime(1);
    expect(await code("tomorrows-first")).not.toBe(reasonCodes.quota_exceeded);
    await evict(device.org);
    expect(await usedToday(device.org)).toBe(1);
  });

  it("leave commands their answers, up to a tenth more", async () => {
    const { device, client } = await lateInTheDay(0);
    await client.subscribe([device.topic("commands")]);
    await hub.publishCommand(await userCall(device.org), device.org, device.id, "do it");
    expect(await client.message()).toMatchObject({ text: "do it" });
    const id = "cmd_00000000000000000000000001";
    const reply = JSON.stringify({ id, ok: true, result: {} });
    expect(await client.publish(device.topic("replies", id), reply)).not.toMatchObject({
      reasonCode: reasonCodes.quota_exceeded,
    });
    const share = Math.ceil(planLimits.free.messages_a_day / parseShardCount(objects.HUB_SHARDS));
    await leave(device.org, "free", -Math.ceil(share / 10));
    expect(await client.publish(device.topic("replies", id), reply)).toMatchObject({
      reasonCode: reasonCodes.quota_exceeded,
    });
  });

  it("are those of the newest plan that the hub was told, at once and after an eviction", async () => {
    const { device, client } = await lateInTheDay(0);
    const isTaken = async () => {
      const answer = await client.publish(device.topic("telemetry"), sample(crypto.randomUUID()));
      return answer?.type === "puback" && answer.reasonCode !== reasonCodes.quota_exceeded;
    };
    expect(await isTaken()).toBe(false);
    await putPlan(device.org, "school", 5);
    expect(await isTaken()).toBe(true);
    await putPlan(device.org, "free", 4);
    await evict(device.org);
    expect(await isTaken()).toBe(true);
    await leave(device.org, "school", 0);
    expect(await isTaken()).toBe(false);
    await putPlan(device.org, "free", 6);
    expect(await isTaken()).toBe(false);
  });

  it("end a 3.1.1 connection, which can't be told, five minutes later, so that its message stays its own", async () => {
    const device = await enrol(newOrg());
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    await leave(device.org, "free", 0);
    await client.publish(device.topic("telemetry"), sample("kept"), 0);
    client.send({
      type: "publish",
      dup: false,
      qos: 1,
      retain: false,
      topic: device.topic("telemetry"),
      packetId: 77,
      payload: new TextEncoder().encode(sample("kept")),
      properties: null,
      wire: null,
    });
    // Neither an acknowledgement nor an end; everything else works on.
    expect(await client.isQuiet()).toBe(true);
    await evict(device.org);
    passTime(299_000);
    await ringAlarm(device.org);
    expect(await client.isQuiet()).toBe(true);
    passTime(1_000);
    await ringAlarm(device.org);
    expect(await client.next()).toMatchObject({ type: "closed", code: 1013, reason: expect.stringContaining("quota") });
    passTime(dayMs);
    const back = await Client.device(device, { keepAliveSeconds: 0 });
    expect(await back.publish(device.topic("telemetry"), sample("kept"))).toMatchObject({ type: "puback" });
    await drain(device.org);
    expect(samplesOf(device.org)).toEqual(["kept"]);
  });

  it("are told to who may see policies, and to nobody of another organisation", async () => {
    const org = newOrg();
    await enrol(org);
    for (const role of ["owner", "admin", "readonly"] as const) expect(await usedToday(org, role)).toBe(0);
    for (const role of ["analyst", "viewer"] as const) await refused(() => usedToday(org, role));
    await refused(async () => hub.messagesToday(await userCall(newOrg()), org));
    const job = (name: "tend_billing" | "lifecycle", of: OrgId) =>
      studio().asJob("durable-objects.hub-control", name, of, makeId("request", Date.now(), new Uint8Array(10)));
    expect((await hub.messagesToday(await job("tend_billing", org), org)).used).toBe(0);
    await refused(async () => hub.messagesToday(await job("tend_billing", newOrg()), org));
    await refused(async () => hub.messagesToday(await job("lifecycle", org), org));
  });
});

import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { ingest, resetIngest } from "./fake-ingest.ts";
import { Client, countRows, drain, enrol, evict, newOrg, passTime, ringAlarm, sample, stopClock } from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

function samplesOf(org: OrgId): string[] {
  return (ingest.arrivals.get(org) ?? []).flatMap((record) => (record.kind === "telemetry" ? [record.sampleId] : []));
}

/** Rings the alarm and waits until that attempt has ended. */
async function attempt(org: OrgId): Promise<void> {
  const before = ingest.calls;
  passTime(60_000);
  await ringAlarm(org);
  await vi.waitUntil(() => ingest.calls > before, { timeout: 60_000 });
}

describe("the outbox", () => {
  it("brings telemetry, presence and replies to Postgres, in order", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    const id = "cmd_00000000000000000000000001";
    await client.publish(device.topic("telemetry"), sample("s1"));
    await client.publish(device.topic("telemetry"), sample("s2"), 0);
    await client.publish(device.topic("replies", id), JSON.stringify({ id, ok: true, result: { pong: true } }));
    const receivedAt = new Date().toISOString();
    await drain(org);
    const metrics = { cpu_percent: 12.5 };
    const at = "2026-11-22T02:00:00Z";
    expect(ingest.arrivals.get(org)).toEqual([
      { kind: "presence", device: device.id, online: true, at: receivedAt },
      { kind: "telemetry", device: device.id, sampleId: "s1", at, receivedAt, metrics },
      { kind: "telemetry", device: device.id, sampleId: "s2", at, receivedAt, metrics },
      { kind: "reply", device: device.id, receivedAt, reply: { id, ok: true, result: { pong: true } } },
    ]);
  });

  it("relays what is no sample and no reply, and stores none of it", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    await drain(org);
    ingest.arrivals.clear();
    const id = "cmd_00000000000000000000000001";
    const nested = (depth: number) =>
      `{"id":"${id}","ok":true,"result":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
    const bodies: [string[], string][] = [
      [["telemetry"], "{"],
      [["telemetry"], JSON.stringify({ id: "x", at: "yesterday", metrics: { a: 1 } })],
      [["telemetry", "x"], sample("s")],
      [["replies", id], JSON.stringify({ id: "cmd_00000000000000000000000002", ok: true, result: {} })],
      [["replies", id], JSON.stringify({ id, ok: true, result: { text: "\u0000" } })],
      [["replies", id], JSON.stringify({ id, ok: false, error: { code: "no good", detail: "" } })],
      [["replies", id], JSON.stringify({ id, ok: true, result: { text: "x".repeat(17 * 1024) } })],
      [["replies", id], nested(100)],
      // Deep enough to break whatever would serialise it on the way.
      [["replies", id], nested(7000)],
      [["events"], sample("s")],
    ];
    for (const [rest, body] of bodies)
      expect(await client.publish(device.topic(...rest), body)).toMatchObject({ type: "puback" });
    expect(await countRows(org, "outbox")).toBe(0);
  });

  it("loses nothing that was acknowledged while Postgres is down and the object is evicted", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    ingest.fail = "before";
    const ids = Array.from({ length: 30 }, (_, index) => `s${index}`);
    for (const [index, id] of ids.entries()) {
      expect(await client.publish(device.topic("telemetry"), sample(id))).toMatchObject({ type: "puback" });
      if (index % 10 === 9) {
        await attempt(org);
        await evict(org);
      }
    }
    expect(samplesOf(org)).toEqual([]);
    ingest.fail = "no";
    await drain(org);
    expect(samplesOf(org)).toEqual(ids);
  });

  it("sends again what may not have arrived", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    await client.publish(device.topic("telemetry"), sample("s1"));
    ingest.fail = "stored";
    await attempt(org);
    ingest.fail = "no";
    await drain(org);
    expect(samplesOf(org)).toContain("s1");
    expect(await countRows(org, "outbox")).toBe(0);
  });

  it("parks a record that Postgres refuses, and brings all others", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device, { keepAliveSeconds: 0 });
    const ids = Array.from({ length: 9 }, (_, index) => `s${index}`);
    for (const id of ids) await client.publish(device.topic("telemetry"), sample(id));
    ingest.poison = "s4";
    for (let turn = 0; turn < 20 && (await countRows(org, "outbox")) > 0; turn += 1) {
      await attempt(org);
      await vi.waitUntil(async () => ingest.calls > 0, { timeout: 60_000 });
    }
    await vi.waitUntil(async () => (await countRows(org, "outbox")) === 0, { timeout: 60_000 });
    expect(new Set(samplesOf(org))).toEqual(new Set(ids.filter((id) => id !== "s4")));
    expect(await countRows(org, "outbox_parked")).toBe(1);
  });
});

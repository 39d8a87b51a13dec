import { describe, expect, it } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { DailyRecords } from "../../../durable-objects/tenant-hub/broker/daily-records.ts";
import { Bench, deviceId, topicOf } from "./harness.ts";

const dayMs = 86_400_000;
const noon = 20_000 * dayMs + dayMs / 2;

describe("a day's records", () => {
  it("are counted from the number that the day began with, and the first of a day says which", () => {
    const daily = new DailyRecords(40, null);
    expect(daily.taken(noon)).toBe(0);
    expect(daily.add(noon)).toEqual({ day: 20_000, before: 40 });
    expect(daily.add(noon + 1)).toBeNull();
    expect(daily.taken(noon)).toBe(2);
    expect(daily.taken(noon + dayMs)).toBe(0);
    expect(daily.add(noon + dayMs)).toEqual({ day: 20_001, before: 42 });
    expect(daily.taken(noon + dayMs)).toBe(1);
  });

  it("are not counted anew by a clock that goes back over midnight", () => {
    const daily = new DailyRecords(0, null);
    daily.limit = 1;
    const midnight = 20_001 * dayMs;
    daily.add(midnight);
    expect(daily.isFull("telemetry", midnight - 5)).toBe(true);
    expect(daily.add(midnight - 5)).toBeNull();
    expect(daily.resetSeconds(midnight - 5)).toBe(86_401);
  });

  it("have room for a tenth more of replies, and for presence always", () => {
    const daily = new DailyRecords(100, { day: 20_000, before: 90 });
    daily.limit = 10;
    expect(["telemetry", "reply", "presence"].map((kind) => daily.isFull(kind as "reply", noon))).toEqual([
      true,
      false,
      false,
    ]);
    daily.add(noon);
    expect(daily.isFull("reply", noon)).toBe(true);
    expect(daily.isFull("presence", noon)).toBe(false);
  });

  it("end at midnight UTC, in whole seconds and never in none", () => {
    const daily = new DailyRecords(0, null);
    expect(daily.resetSeconds(noon)).toBe(43_200);
    expect(daily.resetSeconds(20_001 * dayMs - 1)).toBe(1);
  });
});

describe("a device over the messages of the day", () => {
  const device = deviceId(1);
  const sample = JSON.stringify({ id: "s", at: "2026-11-22T00:00:00Z", metrics: { a: 1 } });

  function full(): Bench {
    const broker = new Bench();
    broker.know(device);
    broker.now = noon;
    broker.state.daily = new DailyRecords(1000, { day: 20_000, before: 0 });
    broker.state.daily.limit = 1000;
    return broker;
  }

  it("is told 0x97 and how long in 5.0, at QoS 1 by PUBACK and at QoS 2 by PUBREC, and nothing is written", () => {
    const broker = full();
    broker.modern("s", device);
    broker.take("s");
    const before = broker.written.length;
    broker.publish("s", topicOf(device, "telemetry"), { qos: 0, text: sample });
    broker.publish("s", topicOf(device, "telemetry"), { qos: 1, text: sample });
    broker.publish("s", topicOf(device, "telemetry"), { qos: 2, text: sample });
    const said = {
      reasonCode: reasonCodes.quota_exceeded,
      properties: { reasonString: "quota_exceeded: messages_a_day; retry after 43200 s" },
    };
    expect(broker.take("s")).toMatchObject([
      { type: "puback", ...said },
      { type: "pubrec", ...said },
    ]);
    expect(broker.written.slice(before).filter(({ kind }) => kind !== "put_session")).toEqual([]);
    expect(broker.state.sessions.values().next().value?.received.size).toBe(0);
  });

  it("still relays what is not kept, and obeys commands' answers", () => {
    const broker = full();
    broker.modern("s", device);
    broker.take("s");
    const id = "cmd_00000000000000000000000001";
    broker.publish("s", topicOf(device, "events"), { text: "{}" });
    broker.publish("s", topicOf(device, "replies", id), { text: JSON.stringify({ id, ok: true, result: {} }) });
    expect(broker.take("s").map((packet) => "reasonCode" in packet && packet.reasonCode)).toEqual([
      reasonCodes.no_matching_subscribers,
      reasonCodes.success,
    ]);
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { attachmentOf, socketOf } from "../../../durable-objects/tenant-hub/attachment.ts";
import { receiveMaximum } from "../../../durable-objects/tenant-hub/broker/limits.ts";
import {
  Bucket,
  bytesPace,
  connectPace,
  packetPace,
  Rates,
  tenantPace,
} from "../../../durable-objects/tenant-hub/broker/rates.ts";
import { ack, Bench, deviceId, topicOf } from "./harness.ts";

const [noisy, quiet] = [deviceId(1), deviceId(2)];
const topic = topicOf(noisy, "x");
const { burst, debtMax, perSecond } = packetPace;

let broker: Bench;
beforeEach(() => {
  broker = new Bench();
  broker.state.rates = new Rates(1);
  broker.know(noisy, quiet);
});
const acks = (socket: string) => broker.take(socket).filter(({ type }) => type === "puback" || type === "pubrec");
function flood(socket: string, count: number, options: { qos?: 0 | 1 | 2; text?: string } = {}): void {
  for (let message = 0; message < count; message += 1) broker.publish(socket, topic, options);
}
/** Time passes up to what the broker asked to be woken for. */
function wake(): void {
  if (broker.wakesAtMs === null) throw new Error("nothing is held back");
  broker.now = broker.wakesAtMs;
  broker.wakesAtMs = null;
  broker.do({ kind: "pace" });
}

describe("a device that sends too much", () => {
  it("is slowed down first: what it sends is taken, and its acknowledgements wait", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst);
    expect(acks("noisy")).toHaveLength(burst);
    flood("noisy", receiveMaximum);
    expect(acks("noisy")).toHaveLength(0);
    expect(broker.closed.has("noisy")).toBe(false);
    const before = broker.now;
    let rounds = 0;
    let got = 0;
    while (got < receiveMaximum) {
      wake();
      got += acks("noisy").length;
      rounds += 1;
    }
    expect(got).toBe(receiveMaximum);
    // In order, at its own pace, and nobody is woken for nothing.
    expect(broker.now - before).toBe((receiveMaximum * 1000) / perSecond);
    expect(rounds).toBeLessThanOrEqual(receiveMaximum);
    expect(broker.wakesAtMs).toBeNull();
  });

  it("gets its acknowledgements in the order of its messages, also those that need not wait any more", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst);
    broker.take("noisy");
    for (const packetId of [1, 2, 3]) broker.publish("noisy", topic, { packetId });
    broker.now += 10_000;
    broker.publish("noisy", topic, { packetId: 4, qos: 2 });
    expect(acks("noisy")).toEqual([]);
    broker.do({ kind: "pace" });
    expect(acks("noisy").map((packet) => "packetId" in packet && packet.packetId)).toEqual([1, 2, 3, 4]);
  });

  it("loses QoS 0 while it is over, and nothing else", () => {
    broker.modern("noisy", noisy, null, { clientId: "writer" });
    broker.modern("reader", noisy, null, { clientId: "reader" });
    broker.subscribeAt(0, "reader", topic);
    flood("noisy", burst - 1, { qos: 0 });
    expect(broker.texts("reader")).toHaveLength(burst - 1);
    flood("noisy", 50, { qos: 0 });
    flood("noisy", 5, { qos: 1, text: "kept" });
    expect(broker.texts("reader").filter((text) => text === "kept")).toHaveLength(5);
  });

  it("is told which bound it passed, when it does not slow down: DISCONNECT 0x96 with its name", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst + debtMax + 1);
    expect(broker.take("noisy").at(-1)).toMatchObject({
      type: "disconnect",
      reasonCode: reasonCodes.message_rate_too_high,
      properties: { reasonString: "at most 100 packets a second, 1000 at once" },
    });
    expect(broker.closes.get("noisy")).toMatchObject({
      code: 1008,
      reason: "at most 100 packets a second, 1000 at once",
    });
  });

  it("is closed in 3.1.1, with the bound's name in the close", () => {
    broker.device("noisy", noisy);
    flood("noisy", burst + debtMax + 1, { qos: 0 });
    expect(broker.closed.get("noisy")).toBe("at most 100 packets a second, 1000 at once");
  });

  it("is held to bytes as to messages", () => {
    broker.modern("noisy", noisy);
    const text = "x".repeat(60 * 1024);
    const fits = Math.floor(bytesPace.burst / text.length);
    flood("noisy", fits, { text });
    expect(acks("noisy")).toHaveLength(fits);
    flood("noisy", 5, { text });
    expect(acks("noisy")).toHaveLength(0);
    flood("noisy", Math.ceil(bytesPace.debtMax / text.length), { text });
    expect(broker.closed.get("noisy")).toBe("at most 1048576 bytes a second, 4194304 at once");
  });

  it("buys nothing with a second client id, and nothing by connecting again", () => {
    broker.modern("one", noisy, null, { clientId: "one" });
    broker.modern("two", noisy, null, { clientId: "two" });
    flood("one", burst / 2);
    flood("two", burst / 2);
    broker.take("one");
    broker.modern("again", noisy, null, { clientId: "one" });
    flood("again", 1);
    flood("two", 1);
    expect([acks("again"), acks("two").length]).toEqual([[], burst / 2]);
  });

  it("pays for pings and subscriptions like for messages", () => {
    broker.device("noisy", noisy);
    for (let ping = 0; ping <= burst + debtMax; ping += 1) broker.send("noisy", { type: "pingreq" });
    expect(broker.closed.get("noisy")).toContain("packets a second");
  });

  it("is not slowed down for what others send it, nor for acknowledging", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst);
    for (let id = 1; id < 3000; id += 1) broker.send("noisy", ack("pubrec", 60_000));
    expect(broker.closed.get("noisy") ?? "").not.toContain("packets");
  });

  it("slows nobody else of its organisation: every message of a quiet one is acknowledged in its own turn", () => {
    broker.modern("noisy", noisy);
    broker.modern("quiet", quiet);
    let acknowledged = 0;
    for (let round = 0; round < 200; round += 1) {
      flood("noisy", 15);
      broker.publish("quiet", topicOf(quiet, "x"));
      acknowledged += acks("quiet").length;
      expect(acknowledged).toBe(round + 1);
    }
    expect(broker.closed.get("noisy")).toContain("packets a second");
    expect(broker.closed.has("quiet")).toBe(false);
    // Of what it sent, no more went on than its burst and its debt.
    expect(broker.written.filter((write) => write.kind === "append_outbox").length).toBeLessThan(burst + debtMax + 300);
  });

  it("is forgotten, and what was held back with it, when its socket ends", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst + 10);
    expect(broker.state.paced.size).toBe(1);
    broker.do({ kind: "socket_closed", socket: "noisy" });
    expect(broker.state.paced.size).toBe(0);
    wake();
    expect(broker.wakesAtMs).toBeNull();
    broker.pass(3600);
    expect(broker.state.rates.size).toBe(0);
  });

  it("is sent away when the object is thrown out while acknowledgements wait, so that it sends again", () => {
    broker.modern("noisy", noisy);
    flood("noisy", burst + 3);
    const socket = broker.state.sockets.get("noisy");
    if (socket === undefined) throw new Error("the socket is gone");
    const attachment = attachmentOf(socket, false, null);
    expect(attachment.paced).toBe(true);
    const woken = socketOf(attachment, broker.state);
    broker.state.sockets.set("noisy", woken);
    broker.do({ kind: "restored" });
    expect(broker.closes.get("noisy")).toMatchObject({ code: 1013 });
  });
});

describe("connections", () => {
  it("of one device are sixty at once, then one a second, and the code names the rate", () => {
    for (let time = 0; time < connectPace.burst; time += 1)
      broker.modern(`s${time}`, noisy, null, { clientId: "same" });
    broker.modern("late", noisy, null, { clientId: "same" });
    expect(broker.take("late")[0]).toMatchObject({
      type: "connack",
      reasonCode: reasonCodes.connection_rate_exceeded,
      properties: { reasonString: "at most 60 connections at once, then 60 a minute" },
    });
    // The one that is there stays there, and nobody else's are counted.
    expect(broker.closed.has(`s${connectPace.burst - 1}`)).toBe(false);
    broker.modern("other", quiet);
    expect(broker.take("other")[0]).toMatchObject({ type: "connack", reasonCode: 0 });
    broker.now += 2000;
    broker.modern("then", noisy, null, { clientId: "same" });
    expect(broker.take("then")[0]).toMatchObject({ type: "connack", reasonCode: 0 });
  });

  it("with credentials that are not theirs count for nobody", () => {
    for (let guess = 0; guess < 200; guess += 1) broker.connect(`g${guess}`, { kind: "bad_credentials" });
    broker.modern("noisy", noisy);
    expect(broker.take("noisy")[0]).toMatchObject({ type: "connack", reasonCode: 0 });
  });
});

describe("an organisation", () => {
  it("whose devices are each within bounds is slowed down when together they are not, and loses nobody", () => {
    const devices = Array.from({ length: 120 }, (_, index) => deviceId(10 + index));
    broker.know(...devices);
    for (const [index, device] of devices.entries()) broker.modern(`d${index}`, device);
    for (let round = 0; round < 850; round += 1)
      for (let index = 0; index < devices.length; index += 1) broker.send(`d${index}`, { type: "pingreq" });
    expect(broker.closed.size).toBe(0);
    expect(devices.length * 850).toBeGreaterThan(tenantPace.burst);
    broker.publish("d0", topicOf(deviceId(10), "x"));
    expect(acks("d0")).toEqual([]);
    wake();
    expect(acks("d0")).toHaveLength(1);
  });
});

describe("a bucket", () => {
  it("never lets more through than its burst and what time has brought, however it is asked", () => {
    const pace = { perSecond: 10, burst: 5, debtMax: 0 };
    const bucket = new Bucket(5, 0);
    let taken = 0;
    for (let ms = 0; ms <= 2000; ms += 7) if (bucket.take(1, pace, 1, ms) === 0) taken += 1;
    expect(taken).toBeLessThanOrEqual(5 + 20);
  });

  it("does not fill when the clock goes back", () => {
    const pace = { perSecond: 10, burst: 1, debtMax: 100 };
    const bucket = new Bucket(1, 10_000);
    expect(bucket.take(1, pace, 1, 10_000)).toBe(0);
    expect(bucket.take(1, pace, 1, 0)).toBe(100);
    expect(bucket.take(1, pace, 1, 10_000)).toBe(200);
  });
});

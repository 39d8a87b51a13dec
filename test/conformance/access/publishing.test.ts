/** What a device may not publish: by PUBLISH at each QoS, retained, by will, by topic alias; and its response topics. */
import { describe, expect } from "vitest";
import { expectFarewell } from "../support/check.ts";
import type { Client } from "../support/client.ts";
import { publish } from "../support/packets.ts";
import { type Device, isSentinel, newDevice } from "../support/target.ts";
import { forbiddenTopics } from "./forbidden-topics.ts";
import { sentinelOnly } from "./sentinel-only.ts";

const notAuthorized = 0x87;
const device: Device = await newDevice();
const victim: Device = await newDevice();

async function watching(): Promise<Client[]> {
  const own = await device.connect(5);
  const others = await victim.connect(5);
  await own.subscribe({ filter: `${device.prefix}#`, qos: 0, retainHandling: 2 });
  await others.subscribe({ filter: `${victim.prefix}#`, qos: 0, retainHandling: 2 });
  return [own, others];
}

const forged = "forged";

/** Other tests publish here too, what they may. */
async function expectNothingForged(clients: readonly Client[]): Promise<void> {
  for (const client of clients) {
    const got = (await client.fence()).filter(
      (answer) => answer.type === "publish" && answer.payload.toString() === forged,
    );
    expect(got).toEqual([]);
    client.drop();
  }
}

describe("a device publishes to", () => {
  for (const [what, topic] of isSentinel ? forbiddenTopics(device, victim) : []) {
    for (const qos of [1, 2])
      sentinelOnly(`${what} at QoS ${qos}: refused with 0x87 in 5.0, closed in 3.1.1`, async () => {
        const client = await device.connect(5);
        expect(await client.publish({ topic, qos })).toBe(notAuthorized);
        expect(await client.publish({ topic, qos, retain: true })).toBe(notAuthorized);
        // The identifier is free, the connection fit.
        expect(await client.publish({ topic: device.scope()("fine"), qos })).toBeLessThan(0x80);
        client.drop();
        const old = await device.connect(4);
        old.send(publish(4, { topic, qos, id: 1 }));
        await expectFarewell(old, 0);
      });
    sentinelOnly(`${what} at QoS 0: dropped in 5.0, closed in 3.1.1`, async () => {
      const client = await device.connect(5);
      client.send(publish(5, { topic }), publish(5, { topic, retain: true }));
      expect(await client.fence()).toEqual([]);
      client.drop();
      const old = await device.connect(4);
      old.send(publish(4, { topic }));
      await expectFarewell(old, 0);
    });
    sentinelOnly(`${what} by a will: refused with 0x87, and 0x05 in 3.1.1`, async () => {
      const { client, connack } = await device.attempt(5, { will: { topic, retain: true } });
      expect(connack.code).toBe(notAuthorized);
      await client.ended();
      const old = await device.attempt(4, { will: { topic } });
      expect(old.connack.code).toBe(5);
      await old.client.ended();
    });
    sentinelOnly(`${what} by a topic alias: refused when it is set and when it is used`, async () => {
      const client = await device.connect(5);
      expect(await client.publish({ topic, qos: 1, properties: [["topicAlias", 1]] })).toBe(notAuthorized);
      client.send(publish(5, { topic: "", qos: 1, id: 9, properties: [["topicAlias", 1]] }));
      // Either the alias was taken and still leads to a forbidden topic, or it was never set.
      const answer = await client.next();
      expect(answer).toMatchObject({ code: answer.type === "puback" ? notAuthorized : 0x94 });
      client.drop();
    });
  }

  sentinelOnly("none of which reaches anybody, also not as a retained message", async () => {
    const clients = await watching();
    const client = await device.connect(5);
    for (const [, topic] of forbiddenTopics(device, victim)) {
      client.send(publish(5, { topic, payload: forged, retain: true }));
      await client.publish({ topic, qos: 1, payload: forged, retain: true });
    }
    client.drop();
    await expectNothingForged(clients);
    const late = await victim.connect(5);
    await late.subscribe({ filter: `${victim.prefix}#`, qos: 0 });
    await expectNothingForged([late]);
  });

  sentinelOnly("its own names, those with empty levels too", async () => {
    const client = await device.connect(5);
    const names = ["telemetry-like", "a//b", "a/", "x/y/z", "Commands", "desiredx", "$SYS/x", "été", "a b"];
    await client.subscribe({ filter: `${device.prefix}+/#`, qos: 1, retainHandling: 2 });
    for (const name of names)
      expect([name, await client.publish({ topic: device.prefix + name, qos: 1 })]).toEqual([name, 0]);
    client.drop();
  });

  sentinelOnly("a response topic outside of its namespace is not passed on", async () => {
    const client = await device.connect(5);
    const topic = device.scope()("ask");
    await client.subscribe({ filter: topic, qos: 1 });
    for (const responseTopic of [
      `${victim.prefix}commands`,
      `${victim.prefix}x`,
      `${device.prefix}commands`,
      "$SYS/x",
    ]) {
      const code = await client.publish({ topic, qos: 1, properties: [["responseTopic", responseTopic]] });
      expect([responseTopic, code]).toEqual([responseTopic, notAuthorized]);
    }
    expect(await client.publish({ topic, qos: 1, properties: [["responseTopic", `${device.prefix}x`]] })).toBe(0);
    client.drop();
  });
});

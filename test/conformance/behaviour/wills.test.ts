/** Wills: when they are published, when not, and what they carry (sections 3.1.2.5, 3.1.3.2). */
import { describe, expect } from "vitest";
import { propertiesOf, propertyOf } from "../support/answers.ts";
import { check, seconds } from "../support/check.ts";
import type { Client } from "../support/client.ts";
import { isSentinel, newDevice, uniqueName } from "../support/target.ts";
import { hex } from "../support/wire.ts";

const device = await newDevice();
const watcher = async (filter: string): Promise<Client> => {
  const client = await device.connect(5);
  await client.subscribe({ filter, qos: 2 });
  return client;
};

describe.each([3, 4, 5] as const)("level %i", (level) => {
  check("a lost connection publishes the will, at its QoS and with its payload [MQTT-3.1.2-8]", async () => {
    const topic = device.scope();
    const watching = await watcher(topic("#"));
    for (const qos of [0, 1, 2]) {
      const client = await device.connect(level, { will: { topic: topic(`${qos}`), qos, payload: `will ${qos}` } });
      client.drop();
      expect(await watching.message()).toMatchObject({ topic: topic(`${qos}`), qos, retain: false });
    }
    const empty = await device.connect(level, { will: { topic: topic("empty"), payload: "" } });
    empty.drop();
    expect((await watching.message()).payload.length).toBe(0);
    watching.drop();
  });

  check("a retained will is retained [MQTT-3.1.2-17]", async () => {
    const topic = device.scope();
    const watching = await watcher(topic("a"));
    (await device.connect(level, { will: { topic: topic("a"), qos: 1, retain: true } })).drop();
    await watching.message();
    const late = await watcher(topic("a"));
    expect(await late.message()).toMatchObject({ retain: true, qos: 1 });
    await late.publish({ topic: topic("a"), qos: 1, retain: true, payload: "" });
    late.drop();
    watching.drop();
  });

  check("DISCONNECT takes the will away [MQTT-3.14.4-3]", async () => {
    const topic = device.scope();
    const watching = await watcher(topic("a"));
    await (await device.connect(level, { will: { topic: topic("a") } })).disconnect();
    expect(await watching.fence()).toEqual([]);
    watching.drop();
  });

  check("a protocol error of the client publishes the will [MQTT-3.1.2-8]", async () => {
    const topic = device.scope();
    const watching = await watcher(topic("a"));
    const client = await device.connect(level, { will: { topic: topic("a"), qos: 1 } });
    client.send(hex("0000"));
    await client.ended();
    await watching.message();
    watching.drop();
  });

  check("a session that is taken over publishes the will of the old connection [MQTT-3.1.4-3]", async () => {
    const topic = device.scope();
    const watching = await watcher(topic("a"));
    const clientId = uniqueName("w");
    const first = await device.connect(level, { clientId, will: { topic: topic("a"), qos: 1 } });
    const second = await device.connect(level, { clientId });
    await first.ended();
    await watching.message();
    await second.disconnect();
    watching.drop();
  });

  check(
    "a client that stays silent for one and a half times its keep-alive is gone, and its will comes [MQTT-3.1.2-22]",
    async () => {
      const topic = device.scope();
      const watching = await watcher(topic("a"));
      const began = Date.now();
      const silent = await device.connect(level, { keepAlive: 4, will: { topic: topic("a"), qos: 1 } });
      const pinging = await device.connect(level, { keepAlive: 4 });
      let arrivedAt = 0;
      const will = watching.message().then(() => {
        arrivedAt = Date.now();
      });
      for (let round = 0; round < 8; round += 1) {
        expect(await pinging.fence()).toEqual([]);
        await seconds(1);
      }
      await will;
      // Not before: one and a half times four seconds, less what clocks round; mosquitto counts whole seconds.
      expect(arrivedAt - began).toBeGreaterThan(isSentinel ? 5_950 : 4_000);
      expect(pinging.isOpen).toBe(true);
      const { unread } = await silent.ended();
      if (level === 5)
        expect(unread.filter((answer) => answer.type !== "disconnect" || answer.code !== 0x8d)).toEqual([]);
      pinging.drop();
      watching.drop();
    },
  );
});

check("DISCONNECT 0x04 publishes the will all the same [MQTT-3.14.2.1]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  for (const code of [0x04, 0x80, 0x82, 0x93]) {
    const client = await device.connect(5, { will: { topic: topic("a"), qos: 1, payload: `${code}` } });
    await client.disconnect(code);
    expect((await watching.message()).payload.toString()).toBe(`${code}`);
  }
  watching.drop();
});

check("a will carries its properties, in order [MQTT-3.3.2-17]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const properties = [
    ["payloadFormatIndicator", 1],
    ["messageExpiryInterval", 100],
    ["contentType", "text/plain"],
    ["responseTopic", topic("answers")],
    ["correlationData", Buffer.from("00ff", "hex")],
    ["userProperty", ["b", "2"]],
    ["userProperty", ["a", "1"]],
    ["userProperty", ["b", "1"]],
  ] as const;
  (await device.connect(5, { will: { topic: topic("a"), qos: 1, properties } })).drop();
  const will = await watching.message();
  expect(propertyOf(will, "payloadFormatIndicator")).toBe(1);
  expect(propertyOf(will, "contentType")).toBe("text/plain");
  expect(propertyOf(will, "responseTopic")).toBe(topic("answers"));
  expect(propertyOf(will, "correlationData")).toEqual(Buffer.from("00ff", "hex"));
  expect(propertiesOf(will, "userProperty")).toEqual([
    ["b", "2"],
    ["a", "1"],
    ["b", "1"],
  ]);
  expect(propertyOf(will, "messageExpiryInterval")).toBeGreaterThan(90);
  watching.drop();
});

const delayed = (topic: string, delay: number) =>
  ({ topic, qos: 1, properties: [["willDelayInterval", delay]] }) as const;

check("a delayed will is not early [MQTT-3.1.3-9]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const client = await device.connect(5, { will: delayed(topic("a"), 2), properties: [["sessionExpiryInterval", 60]] });
  const began = Date.now();
  client.drop();
  await watching.message();
  expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
  watching.drop();
});

check("a delayed will is not sent when the session is connected again in time [MQTT-3.1.3-9]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const clientId = uniqueName("w");
  const options = { clientId, properties: [["sessionExpiryInterval", 60]] } as const;
  (await device.connect(5, { ...options, will: delayed(topic("a"), 8) })).drop();
  const back = await device.connect(5, { ...options, clean: false });
  await seconds(10);
  expect(await watching.fence()).toEqual([]);
  await back.disconnect(0, [["sessionExpiryInterval", 0]]);
  expect(await watching.fence()).toEqual([]);
  watching.drop();
});

check("the end of the session ends the delay [MQTT-3.1.3.2.2]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("+"));
  // No session at all, and one that ends long before the delay.
  (await device.connect(5, { will: delayed(topic("none"), 600) })).drop();
  expect((await watching.message()).topic).toBe(topic("none"));
  (await device.connect(5, { will: delayed(topic("short"), 600), properties: [["sessionExpiryInterval", 1]] })).drop();
  expect((await watching.message()).topic).toBe(topic("short"));
  watching.drop();
});

check("Clean Start ends the old session, and so sends its delayed will at once [MQTT-3.1.3.2.2]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const clientId = uniqueName("w");
  (
    await device.connect(5, { clientId, will: delayed(topic("a"), 600), properties: [["sessionExpiryInterval", 600]] })
  ).drop();
  const fresh = await device.connect(5, { clientId });
  await watching.message();
  await fresh.disconnect();
  watching.drop();
});

check("a session taken over in time keeps its delayed will back [MQTT-3.1.4-3]", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const clientId = uniqueName("w");
  const properties = [["sessionExpiryInterval", 600]] as const;
  const first = await device.connect(5, { clientId, will: delayed(topic("a"), 2), properties });
  const second = await device.connect(5, { clientId, clean: false, properties });
  await first.ended();
  await seconds(4);
  expect(await watching.fence()).toEqual([]);
  await second.disconnect(0, [["sessionExpiryInterval", 0]]);
  watching.drop();
});

check("DISCONNECT 0x04 keeps to the delay", async () => {
  const topic = device.scope();
  const watching = await watcher(topic("a"));
  const client = await device.connect(5, { will: delayed(topic("a"), 2), properties: [["sessionExpiryInterval", 60]] });
  const began = Date.now();
  await client.disconnect(0x04);
  await watching.message();
  expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
  watching.drop();
});

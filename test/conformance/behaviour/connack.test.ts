/** What the 5.0 CONNACK says of the server (section 3.2.2.3), and what it must not. */
import { expect, it } from "vitest";
import { propertiesOf, propertyOf } from "../support/answers.ts";
import { check, expectFarewell } from "../support/check.ts";
import { isSentinel, newDevice } from "../support/target.ts";
import { hex } from "../support/wire.ts";

const device = await newDevice();

check("the CONNACK names a Topic Alias Maximum of 10 and no property twice", async () => {
  const { client, connack } = await device.attempt(5);
  expect(propertyOf(connack, "topicAliasMaximum")).toBe(10);
  const names = connack.properties.map(([name]) => name).filter((name) => name !== "userProperty");
  expect(new Set(names).size).toBe(names.length);
  client.drop();
});

check("QoS 2, retained messages, wildcards, identifiers and shared subscriptions are offered", async () => {
  const { client, connack } = await device.attempt(5);
  expect(propertyOf(connack, "maximumQos")).toBeUndefined();
  const offers = [
    "retainAvailable",
    "wildcardSubscriptionAvailable",
    "subscriptionIdentifierAvailable",
    "sharedSubscriptionAvailable",
  ] as const;
  for (const name of offers) expect(propertyOf(connack, name) ?? 1).toBe(1);
  client.drop();
});

check("a keep-alive of 0 or of more than 60 s is cut to 60, a shorter one stays [MQTT-3.2.2-21]", async () => {
  for (const [asked, told] of [
    [0, 60],
    [61, 60],
    [65_535, 60],
    [60, undefined],
    [20, undefined],
  ] as const) {
    const { client, connack } = await device.attempt(5, { keepAlive: asked });
    expect([asked, propertyOf(connack, "serverKeepAlive")]).toEqual([asked, told]);
    client.drop();
  }
});

it.runIf(isSentinel)(
  "a client that watches its link with WebSocket pings may stay silent for an hour and a half",
  async () => {
    const properties = [["userProperty", ["sentinel-link", "websocket-ping"]]] as const;
    for (const [asked, told] of [
      [5400, undefined],
      [1200, undefined],
      [5401, 5400],
      [0, 5400],
    ] as const) {
      const { client, connack } = await device.attempt(5, { keepAlive: asked, properties });
      expect([asked, propertyOf(connack, "serverKeepAlive")]).toEqual([asked, told]);
      await client.pingSocket();
      client.drop();
    }
  },
);

it.runIf(isSentinel)("Response Information is the device's prefix, for who asks [MQTT-3.1.2-28]", async () => {
  const asked = await device.attempt(5, { properties: [["requestResponseInformation", 1]] });
  expect(propertyOf(asked.connack, "responseInformation")).toBe(device.prefix);
  const declined = await device.attempt(5, { properties: [["requestResponseInformation", 0]] });
  const silent = await device.attempt(5);
  for (const { connack } of [declined, silent]) expect(propertyOf(connack, "responseInformation")).toBeUndefined();
  for (const { client } of [asked, declined, silent]) client.drop();
});

check(
  "who wants no problem information gets no reason strings but in CONNACK and DISCONNECT [MQTT-3.1.2-29]",
  async () => {
    const client = await device.connect(5, { properties: [["requestProblemInformation", 0]] });
    client.send(hex("62 03 0001 00"), hex("32 0b 0005 746f706963 0001 00 70"));
    const answers = (await client.fence().catch(() => [])) as Awaited<ReturnType<typeof client.fence>>;
    for (const answer of answers) {
      if (!("properties" in answer) || answer.type === "disconnect") continue;
      expect([...propertiesOf(answer, "reasonString"), ...propertiesOf(answer, "userProperty")]).toEqual([]);
    }
    client.drop();
  },
);

check(
  "a session expiry that is granted as asked need not be told, and is not told otherwise [MQTT-3.2.2.3.2]",
  async () => {
    const { client, connack } = await device.attempt(5, { properties: [["sessionExpiryInterval", 120]] });
    expect(propertyOf(connack, "sessionExpiryInterval") ?? 120).toBe(120);
    await client.disconnect(0, [["sessionExpiryInterval", 0]]);
  },
);

check("a CONNACK before 5.0 has two bytes", async () => {
  for (const level of [3, 4] as const) {
    const { client, connack } = await device.attempt(level);
    expect(connack).toEqual({ type: "connack", sessionPresent: false, code: 0, properties: [] });
    client.drop();
  }
});

check("AUTH is refused with 0x82, for no method was agreed [MQTT-4.12.0-7]", async () => {
  const client = await device.connect(5);
  client.send(hex("f0 00"));
  await expectFarewell(client, 0x82);
});

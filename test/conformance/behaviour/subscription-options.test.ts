/** No Local, Retain As Published, Retain Handling, subscription identifiers, shared subscriptions (5.0, section 3.8.3.1, 4.8.2). */
import { expect } from "vitest";
import { type AnswerOf, propertiesOf } from "../support/answers.ts";
import { check } from "../support/check.ts";
import type { Client } from "../support/client.ts";
import { ack } from "../support/packets.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const device = await newDevice();
const texts = (messages: readonly AnswerOf<"publish">[]): string[] =>
  messages.map((message) => message.payload.toString());

async function arrived(client: Client): Promise<AnswerOf<"publish">[]> {
  const messages = (await client.fence()).filter((answer) => answer.type === "publish");
  for (const message of messages) if (message.qos === 1) client.send(ack("puback", message.id));
  return messages;
}

check("No Local keeps a client's own messages from it, not others' [MQTT-3.8.3-3]", async () => {
  const topic = device.scope();
  const own = await device.connect(5);
  const other = await device.connect(5);
  await own.subscribe({ filter: topic("a"), qos: 1, noLocal: true });
  await other.subscribe({ filter: topic("a"), qos: 1, noLocal: true });
  await own.publish({ topic: topic("a"), qos: 1 });
  expect(await arrived(own)).toEqual([]);
  expect(await arrived(other)).toHaveLength(1);
  await other.publish({ topic: topic("a"), qos: 1 });
  expect(await arrived(own)).toHaveLength(1);
  own.drop();
  other.drop();
});

check("No Local holds for a session that comes back", async () => {
  const topic = device.scope();
  const clientId = uniqueName("n");
  const properties = [["sessionExpiryInterval", 60]] as const;
  const first = await device.connect(5, { clientId, properties });
  await first.subscribe({ filter: topic("a"), qos: 1, noLocal: true });
  await first.disconnect();
  const second = await device.connect(5, { clientId, clean: false, properties });
  await second.publish({ topic: topic("a"), qos: 1 });
  expect(await arrived(second)).toEqual([]);
  await second.disconnect(0, [["sessionExpiryInterval", 0]]);
});

check(
  "Retain As Published keeps the flag, without it the flag is taken off [MQTT-3.3.1-12], [MQTT-3.3.1-13]",
  async () => {
    const topic = device.scope();
    const client = await device.connect(5);
    const plain = await device.connect(5);
    await client.subscribe({ filter: topic("a"), qos: 0, retainAsPublished: true });
    await plain.subscribe({ filter: topic("a"), qos: 0 });
    await client.publish({ topic: topic("a"), qos: 1, payload: "no" });
    await client.publish({ topic: topic("a"), qos: 1, payload: "yes", retain: true });
    expect((await client.messages(2)).map((message) => message.retain)).toEqual([false, true]);
    expect((await plain.messages(2)).map((message) => message.retain)).toEqual([false, false]);
    await client.publish({ topic: topic("a"), qos: 1, payload: "", retain: true });
    client.drop();
    plain.drop();
  },
);

check("Retain Handling 0 sends always, 1 to new subscriptions, 2 never [MQTT-3.3.1-9] to [MQTT-3.3.1-11]", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  await client.publish({ topic: topic("a"), qos: 1, retain: true, payload: "kept" });
  const subscribed = async (retainHandling: number): Promise<number> => {
    await client.subscribe({ filter: topic("a"), qos: 1, retainHandling });
    return (await arrived(client)).length;
  };
  expect([
    await subscribed(2),
    await subscribed(2),
    await subscribed(1),
    await subscribed(0),
    await subscribed(0),
  ]).toEqual([0, 0, 0, 1, 1]);
  await client.unsubscribe(topic("a"));
  expect([await subscribed(1), await subscribed(1)]).toEqual([1, 0]);
  await client.publish({ topic: topic("a"), qos: 1, retain: true, payload: "" });
  client.drop();
});

check(
  "a message carries the identifiers of all subscriptions that it is for [MQTT-3.3.4-3], [MQTT-3.3.4-4]",
  async () => {
    const topic = device.scope();
    const client = await device.connect(5);
    await client.subscribe({ filter: topic("a/+"), qos: 1 }, [["subscriptionIdentifier", 7]]);
    await client.subscribe({ filter: topic("a/#"), qos: 1 }, [["subscriptionIdentifier", 268_435_455]]);
    await client.subscribe({ filter: topic("other"), qos: 1 });
    await client.publish({ topic: topic("a/b"), qos: 1 });
    const ids = (await arrived(client)).flatMap((message) => propertiesOf(message, "subscriptionIdentifier"));
    expect(ids.sort()).toEqual([268_435_455, 7]);
    await client.publish({ topic: topic("other"), qos: 1 });
    expect(propertiesOf((await arrived(client))[0]!, "subscriptionIdentifier")).toEqual([]);
    // A repeated SUBSCRIBE replaces the identifier, here by none.
    await client.subscribe({ filter: topic("a/+"), qos: 1 }, [["subscriptionIdentifier", 8]]);
    await client.subscribe({ filter: topic("a/#"), qos: 1 });
    await client.publish({ topic: topic("a/b"), qos: 1 });
    expect((await arrived(client)).flatMap((message) => propertiesOf(message, "subscriptionIdentifier"))).toEqual([8]);
    client.drop();
  },
);

check("retained and queued messages carry the subscription identifier too", async () => {
  const topic = device.scope();
  const clientId = uniqueName("i");
  const client = await device.connect(5, { clientId, properties: [["sessionExpiryInterval", 60]] });
  await client.publish({ topic: topic("a"), qos: 1, retain: true, payload: "kept" });
  await client.subscribe({ filter: topic("a"), qos: 1 }, [["subscriptionIdentifier", 5]]);
  expect(propertiesOf(await client.message(), "subscriptionIdentifier")).toEqual([5]);
  await client.disconnect();
  const publisher = await device.connect(5);
  await publisher.publish({ topic: topic("a"), qos: 1, retain: true, payload: "" });
  const back = await device.connect(5, { clientId, clean: false });
  expect(propertiesOf(await back.message(), "subscriptionIdentifier")).toEqual([5]);
  publisher.drop();
  await back.disconnect(0);
});

check("a shared subscription gives each message to one of its group [MQTT-4.8.2-4], [MQTT-4.8.2-5]", async () => {
  const topic = device.scope();
  const members = await Promise.all([device.connect(5), device.connect(5), device.connect(5)]);
  const alone = await device.connect(5);
  for (const member of members)
    expect(await member.subscribe({ filter: `$share/g/${topic("a/#")}`, qos: 1 })).toEqual([1]);
  await alone.subscribe({ filter: `$share/h/${topic("a/+")}`, qos: 1 });
  const publisher = await device.connect(5);
  const sent = Array.from({ length: 30 }, (_, index) => `${index}`);
  for (const payload of sent) await publisher.publish({ topic: topic("a/b"), qos: 1, payload });
  const shares = await Promise.all(members.map(arrived));
  expect(shares.flatMap(texts).sort()).toEqual([...sent].sort());
  expect(shares.filter((share) => share.length > 0).length).toBeGreaterThan(1);
  expect(texts(await arrived(alone))).toEqual(sent);
  for (const client of [...members, alone, publisher]) client.drop();
});

check(
  "a shared subscription gets no retained messages, and gives what a member left to the others [MQTT-4.8.2-6]",
  async () => {
    const topic = device.scope();
    const [one, two] = [await device.connect(5), await device.connect(5)];
    await one.publish({ topic: topic("a"), qos: 1, retain: true, payload: "kept" });
    await one.subscribe({ filter: `$share/g/${topic("a")}`, qos: 1 });
    await two.subscribe({ filter: `$share/g/${topic("a")}`, qos: 1 });
    expect([...(await arrived(one)), ...(await arrived(two))]).toEqual([]);
    await two.disconnect();
    const publisher = await device.connect(5);
    for (const payload of ["1", "2", "3"]) await publisher.publish({ topic: topic("a"), qos: 1, payload });
    expect(texts(await arrived(one))).toEqual(["1", "2", "3"]);
    expect(await one.unsubscribe(`$share/g/${topic("a")}`)).toEqual([0]);
    await publisher.publish({ topic: topic("a"), qos: 1, retain: true, payload: "" });
    expect(await arrived(one)).toEqual([]);
    for (const client of [one, publisher]) client.drop();
  },
);

check("a shared and a plain subscription of one client to one topic are two", async () => {
  const topic = device.scope();
  const client = await device.connect(5);
  await client.subscribe({ filter: `$share/g/${topic("a")}`, qos: 1 }, [["subscriptionIdentifier", 1]]);
  await client.subscribe({ filter: topic("a"), qos: 0 }, [["subscriptionIdentifier", 2]]);
  await client.publish({ topic: topic("a"), qos: 1 });
  const ids = (await arrived(client)).map((message) => propertiesOf(message, "subscriptionIdentifier"));
  expect(ids.flat().sort()).toEqual([1, 2]);
  expect(await client.unsubscribe(topic("a"))).toEqual([0]);
  await client.publish({ topic: topic("a"), qos: 1 });
  expect((await arrived(client)).map((message) => propertiesOf(message, "subscriptionIdentifier"))).toEqual([[1]]);
  client.drop();
});

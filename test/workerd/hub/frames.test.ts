import { abortAllDurableObjects } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import type { Packet } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  accessToken,
  ack,
  Client,
  countRows,
  enrol,
  entrypoints,
  evict,
  goodbye,
  newOrg,
  newUser,
  publishPacket,
  type Received,
  stopClock,
  textOf,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const subscribe = (filter: string): Packet => {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { type: "subscribe", packetId: 1, subscriptions: [{ filter, ...options }], properties: null };
};

async function take(client: Client, count: number): Promise<Received[]> {
  const received: Received[] = [];
  while (received.length < count) received.push(await client.next());
  return received;
}

describe.each([4, 5] as const)("WebSocket frames at level %i [MQTT-6.0.0-4]", (level) => {
  it("carry packets that are cut at any byte", async () => {
    const device = await enrol(newOrg());
    const x = device.topic("x");
    const client = await Client.open(device.org, {}, level);
    const { id: username, token: password } = device;
    const whole = [
      client.connectPacket({ clientId: "a", username, password, clean: true }),
      subscribe(x),
      publishPacket(x, "hello", { packetId: 2 }),
      { type: "pingreq" } as const,
    ].map((packet) => client.encode(packet));
    const bytes = new Uint8Array(whole.flatMap((part) => [...part]));
    for (const byte of bytes) client.sendBytes(new Uint8Array([byte]));
    const types = (await take(client, 5)).map(({ type }) => type);
    expect(types).toEqual(["connack", "suback", "publish", "puback", "pingresp"]);
    // Two frames, cut at every place there is between two bytes of a packet and its neighbours.
    const pair = new Uint8Array([
      ...client.encode(publishPacket(x, "a", { qos: 0 })),
      ...client.encode({ type: "pingreq" }),
    ]);
    for (let cut = 1; cut < pair.length; cut += 1) {
      client.sendBytes(pair.slice(0, cut));
      client.sendBytes(pair.slice(cut));
      expect((await take(client, 2)).map(({ type }) => type)).toEqual(["publish", "pingresp"]);
    }
  });

  it("carry many packets, whose answers come in their order and few frames", async () => {
    const device = await enrol(newOrg());
    const x = device.topic("x");
    const client = await Client.open(device.org, {}, level);
    await client.connect({ clientId: "a", username: device.id, password: device.token });
    await client.subscribe([x], 0);
    const before = client.frames;
    const count = 500;
    client.send(...Array.from({ length: count }, (_, n) => publishPacket(x, `${n}`, { packetId: n + 1 })));
    const received = await take(client, 2 * count);
    expect(received.flatMap((packet) => (packet.type === "publish" ? Number(textOf(packet)) : []))).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
    expect(received.flatMap((packet) => (packet.type === "puback" ? packet.packetId : []))).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    );
    expect(client.frames - before).toBeLessThan(count / 4);
  });

  it("may carry CONNECT, SUBSCRIBE and PUBLISH before CONNACK came (section 3.1.4), by token or by password", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = newUser();
    await entrypoints.HubControl.putMember(await userCall(org), org, user, "owner");
    const credentials: [string, string][] = [
      [device.id, device.token],
      [user, await accessToken(org, user, "owner")],
    ];
    for (const [username, password] of credentials) {
      const client = await Client.open(org, {}, level);
      const topic = username === user ? device.topic("desired") : device.topic("x");
      client.send(
        client.connectPacket({ clientId: "a", username, password, clean: true }),
        subscribe(topic),
        publishPacket(topic, "now", { packetId: 2 }),
      );
      const [first, ...rest] = (await take(client, 4)).map(({ type }) => type);
      expect(first).toBe("connack");
      // Where an organisation is split, a user's SUBACK waits until every object knows; the others need not.
      expect(username === user ? rest.sort() : rest).toEqual(
        username === user ? ["puback", "publish", "suback"] : ["suback", "publish", "puback"],
      );
    }
  });

  it("carry nothing that counts behind a CONNECT that is refused", async () => {
    const device = await enrol(newOrg());
    const client = await Client.open(device.org, {}, level);
    const connect = client.connectPacket({ clientId: "a", username: device.id, password: "sdt_wrong" });
    client.send(connect, publishPacket(device.topic("x"), "now", { retain: true }));
    const [connack, closed] = await take(client, 2);
    expect(connack).toMatchObject({ type: "connack", reasonCode: reasonCodes.bad_user_name_or_password });
    expect(closed).toMatchObject({ type: "closed", code: 1008 });
    expect(await countRows(device.org, "retained")).toBe(0);
  });

  it("are binary: text ends the connection, whatever it says [MQTT-6.0.0-1]", async () => {
    const device = await enrol(newOrg());
    for (const text of ["", "ping", "\u00c0\u0000"]) {
      const client = await Client.open(device.org, {}, level);
      await client.connect({ clientId: "a", username: device.id, password: device.token });
      client.sendBytes(text);
      if (level === 5) expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: 0x82 });
      expect(await client.next()).toMatchObject({ type: "closed", code: 1003 });
      const fresh = await Client.open(device.org, {}, level);
      fresh.sendBytes(text);
      expect(await fresh.next()).toMatchObject({ type: "closed", code: 1003 });
    }
  });

  it("announce no packet over the maximum: its header is enough to end the connection", async () => {
    const device = await enrol(newOrg());
    const client = await Client.open(device.org, {}, level);
    await client.connect({ clientId: "a", username: device.id, password: device.token });
    const length = packetBytesMax;
    client.sendBytes(new Uint8Array([0x30, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14]));
    if (level === 5)
      expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.packet_too_large });
    expect(await client.next()).toMatchObject({ type: "closed" });
  });

  it("of whatever went before an error are answered, and nothing after it", async () => {
    const device = await enrol(newOrg());
    const x = device.topic("x");
    const client = await Client.open(device.org, {}, level);
    await client.connect({ clientId: "a", username: device.id, password: device.token });
    const bad = new Uint8Array([0x36, 2, 0, 0]);
    const good = client.encode(publishPacket(x, "kept", { retain: true }));
    const late = client.encode(publishPacket(device.topic("y"), "never", { retain: true }));
    client.sendBytes(new Uint8Array([...good, ...bad, ...late]));
    expect(await client.next()).toMatchObject({ type: "puback" });
    if (level === 5)
      expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.malformed_packet });
    expect(await client.next()).toMatchObject({ type: "closed", code: 1002 });
    // Presence has one, too.
    expect(await countRows(device.org, "retained")).toBe(2);
  });
});

describe("group commit", () => {
  it.each([1, 2] as const)(
    "acknowledges nothing of QoS %i that it has not stored, wherever the object dies",
    async (qos) => {
      for (const died of [0, 1, 5, 40, 150]) {
        const org = newOrg();
        const device = await enrol(org);
        const x = device.topic("x");
        const sleepers = await Promise.all(
          ["s1", "s2"].map(async (clientId) => {
            const sleeper = await Client.device(device, { clientId });
            await sleeper.subscribe([x], 2);
            sleeper.send(goodbye);
            await sleeper.next();
            return clientId;
          }),
        );
        const writers = await Promise.all([1, 2, 3].map((n) => Client.device(device, { clientId: `w${n}` })));
        const acked = new Set<string>();
        let left = died;
        await Promise.all(
          writers
            .map(async (writer, w) => {
              for (let from = 0; from < 20; from += 5)
                writer.send(
                  ...Array.from({ length: 5 }, (_, n) =>
                    publishPacket(x, `${w}-${from + n}`, { qos, packetId: from + n + 1 }),
                  ),
                );
              for (let received = await writer.next(); received.type !== "closed"; received = await writer.next()) {
                if (received.type !== "puback" && received.type !== "pubrec") continue;
                acked.add(`${w}-${received.packetId - 1}`);
                left -= 1;
                if (left === 0 || acked.size === 60) await abortAllDurableObjects();
              }
            })
            .concat(died === 0 ? [abortAllDurableObjects()] : []),
        );
        for (const clientId of sleepers) {
          const sleeper = await Client.device(device, { clientId });
          const got = new Set<string>();
          for (;;) {
            sleeper.send({ type: "pingreq" });
            const received = await sleeper.next();
            if (received.type === "pingresp") break;
            if (received.type === "publish") got.add(textOf(received));
          }
          for (const text of acked) expect([clientId, died, text, got.has(text)]).toEqual([clientId, died, text, true]);
        }
      }
    },
  );

  it("loses nothing that was acknowledged when the object is evicted at once", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const x = device.topic("x");
    const sleeper = await Client.device(device, { clientId: "sleeper" });
    await sleeper.subscribe([x], 1);
    sleeper.send(goodbye);
    await sleeper.next();
    const writer = await Client.device(device, { clientId: "writer" });
    for (let n = 0; n < 10; n += 1) {
      expect(await writer.ask(publishPacket(x, `${n}`, { packetId: 7 }))).toEqual(ack("puback", 7));
      await evict(org);
    }
    const again = await Client.device(device, { clientId: "sleeper" });
    for (let n = 0; n < 10; n += 1) expect(await again.message()).toMatchObject({ text: `${n}` });
  });
});

/** Bytes from a hostile client beside the tables of sequences/: floods, half packets, and what must not leak. */
import { describe, expect, it } from "vitest";
import { check, expectFarewell } from "../support/check.ts";
import { ack, connect, pingreq, publish, subscribe } from "../support/packets.ts";
import { isSentinel, newDevice } from "../support/target.ts";
import { hex, packet, sized, u8, u16 } from "../support/wire.ts";

/** Small steps of a xorshift, so that a failure can be run again. */
function* bytesOf(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state & 0xff;
  }
}

function take(count: number, seed: number): Buffer {
  const source = bytesOf(seed);
  return Buffer.from(Array.from({ length: count }, () => source.next().value as number));
}

// A device may have 32 sessions, and the tests of a file run beside each other.
const devices = { 4: await newDevice(), 5: await newDevice() };
const floodedDevices = { 4: await newDevice(), 5: await newDevice() };

describe.each([4, 5] as const)("level %i", (level) => {
  const device = devices[level];
  const flooded = floodedDevices[level];

  check("refuses noise for a CONNECT, and goes on serving others", async () => {
    const steady = await device.connect(level);
    for (let seed = 1; seed <= 40; seed += 1) {
      const client = await device.open(level);
      // A first byte that is no CONNECT's: of a CONNECT the rest might be waited for.
      client.send(Buffer.concat([u8(0x20 | (seed << 4)), take(60, seed)]));
      await client.ended().catch((error: Error) => {
        throw new Error(`noise ${seed}: ${error.message}`);
      });
    }
    expect(await steady.fence()).toEqual([]);
    steady.drop();
  });

  check("refuses noise after CONNECT, or waits for the rest of it", async () => {
    const steady = await flooded.connect(level);
    const clients = await Promise.all(Array.from({ length: 12 }, () => flooded.connect(level)));
    for (const [index, client] of clients.entries()) client.send(take(400, 1000 + index));
    expect(await steady.fence()).toEqual([]);
    for (const client of clients) client.drop();
    steady.drop();
  });

  check("refuses a length over the limit before the packet comes", async () => {
    for (const first of [0x30, 0x82]) {
      const client = await device.connect(level);
      client.send(Buffer.concat([u8(first), hex("ffffff7f")]));
      await expectFarewell(client, 0x95);
    }
  });

  it.runIf(isSentinel)("refuses a CONNECT that says it is larger than the limit", async () => {
    const client = await device.open(level);
    client.send(Buffer.concat([u8(0x10), hex("ffffff7f")]));
    await client.ended();
  });

  check("flags are refused before the packet has come", async () => {
    for (const first of [0x80, 0xa0, 0x60, 0x36]) {
      const client = await device.connect(level);
      client.send(u8(first), hex("90 4e"));
      await client.ended();
    }
  });

  check("ten thousand PINGREQs in one frame get ten thousand answers", async () => {
    const client = await device.connect(level);
    client.send(...Array.from({ length: 10_000 }, pingreq));
    for (let index = 0; index < 10_000; index += 1) await client.expect("pingresp");
    client.drop();
  });

  check("a SUBSCRIBE to many filters is answered for each", async () => {
    const topic = device.scope();
    const client = await device.connect(level);
    const filters = Array.from({ length: 100 }, (_, index) => ({ filter: topic(`${index}`), qos: index % 3 }));
    expect(await client.subscribe(filters)).toEqual(filters.map(({ qos }) => qos));
    expect((await client.unsubscribe(...filters.map(({ filter }) => filter))).length).toBe(level === 5 ? 100 : 0);
    client.drop();
  });

  check("acknowledgements of nothing, thousands of them, change nothing", async () => {
    const topic = device.scope()("a");
    const client = await device.connect(level);
    await client.subscribe({ filter: topic, qos: 1 });
    client.send(...Array.from({ length: 5_000 }, (_, index) => ack("puback", index + 1)));
    await client.publish({ topic, qos: 1, payload: "still" });
    expect((await client.message()).payload.toString()).toBe("still");
    client.drop();
  });

  check("a refused packet is not acted on, nor what comes after it", async () => {
    const topic = device.scope()("a");
    const watching = await device.connect(level);
    await watching.subscribe({ filter: topic, qos: 1 });
    const client = await device.connect(level);
    client.send(
      publish(level, { topic, payload: "before" }),
      packet(0x00),
      publish(level, { topic, payload: "after" }),
      subscribe(level, 1, [{ filter: topic }]),
    );
    await client.ended();
    expect((await watching.message()).payload.toString()).toBe("before");
    expect(await watching.fence()).toEqual([]);
    watching.drop();
  });

  check("half a SUBSCRIBE that is wrong in its second filter subscribes to nothing", async () => {
    const topic = device.scope()("a");
    const clientId = `half${device.deviceId.slice(-6)}${level}`;
    const lasting = {
      clientId,
      clean: false,
      ...(level === 5 ? { properties: [["sessionExpiryInterval", 60]] as const } : {}),
    };
    const client = await device.connect(level, lasting);
    client.send(
      subscribe(level, 1, [
        { filter: topic, qos: 1 },
        { filter: `${topic}#`, qos: 1 },
      ]),
    );
    await client.ended();
    const back = await device.connect(level, lasting);
    await back.publish({ topic, qos: 1 });
    expect(await back.fence()).toEqual([]);
    await back.disconnect();
    await (await device.connect(level, { clientId })).disconnect();
  });

  check("a CONNECT after a refused CONNECT is not heard", async () => {
    const client = await device.open(level);
    const fields = device.connectFields(level);
    client.send(connect({ ...fields, flags: 0xc3 }), connect(fields));
    const { unread } = await client.ended();
    expect(unread.filter((answer) => answer.type === "connack" && answer.code === 0)).toEqual([]);
  });

  check("the longest strings and the most levels are refused or carried, never half", async () => {
    const client = await device.connect(level);
    const topic = `${device.scope()("")}${"é".repeat(32_000)}`.slice(0, 32_000);
    client.send(packet(0x32, sized(topic), u16(9), ...(level === 5 ? [u8(0)] : []), hex("70")));
    const answer = await client.next().catch(() => null);
    if (answer !== null) expect(["puback", "disconnect"]).toContain(answer.type);
    client.drop();
  });
});

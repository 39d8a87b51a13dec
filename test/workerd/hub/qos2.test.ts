import { abortAllDurableObjects } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import { ingest, resetIngest } from "./fake-ingest.ts";
import {
  ack,
  Client,
  countRows,
  drain,
  enrol,
  evict,
  goodbye,
  joinAndConnect,
  newOrg,
  publishPacket,
  sample,
  stopClock,
  type TestDevice,
  textOf,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

/** A QoS 2 PUBLISH. */
function exactly(topic: string, packetId: number, text: string, dup = false, retain = false): PublishPacket {
  return publishPacket(topic, text, { qos: 2, packetId, dup, retain });
}

async function expectNothingStored(org: OrgId): Promise<void> {
  for (const table of ["messages", "releases", "received"])
    expect([table, await countRows(org, table)]).toEqual([table, 0]);
}

/** How everything in memory goes between two packets; `back` is the connection that goes on. */
const losses: readonly (readonly [
  string,
  (org: OrgId, client: Client, back: () => Promise<Client>) => Promise<Client>,
])[] = [
  [
    "an eviction under the open socket",
    async (org, client) => {
      await evict(org);
      return client;
    },
  ],
  [
    "an eviction and a new connection",
    async (org, client, back) => {
      await evict(org);
      client.drop();
      return await back();
    },
  ],
  [
    "an eviction that takes the socket",
    async (org, _client, back) => {
      await evict(org, { webSockets: "close" });
      return await back();
    },
  ],
  [
    "a crash",
    async (_org, _client, back) => {
      await abortAllDurableObjects();
      return await back();
    },
  ],
];

describe.each(losses)("QoS 2 with %s between every two packets", (name, lose) => {
  const reconnects = name !== "an eviction under the open socket";

  it("takes a message from a client exactly once", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const reader = () => Client.device(device, { clientId: "reader" });
    const writer = () => Client.device(device, { clientId: "writer" });
    const first = await reader();
    await first.subscribe([device.topic("notes")], 2);
    first.send(goodbye);
    await first.next();
    let client = await writer();
    for (const [packetId, text] of [
      [5, "one"],
      [6, "two"],
      [5, "three"],
    ] as const) {
      expect(await client.ask(exactly(device.topic("notes"), packetId, text))).toEqual(ack("pubrec", packetId));
      client = await lose(org, client, writer);
      // The PUBREC might have been lost: the same again must not be another message.
      const again = exactly(device.topic("notes"), packetId, text, true);
      expect(await client.ask(again)).toEqual(ack("pubrec", packetId));
      client = await lose(org, client, writer);
      expect(await client.ask(ack("pubrel", packetId))).toEqual(ack("pubcomp", packetId));
      client = await lose(org, client, writer);
      // The PUBCOMP might have been lost.
      expect(await client.ask(ack("pubrel", packetId))).toEqual(ack("pubcomp", packetId));
      client = await lose(org, client, writer);
    }
    expect(await countRows(org, "received")).toBe(0);
    const late = await reader();
    const seen: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const packet = await late.next();
      seen.push(textOf(packet));
      if (packet.type !== "publish" || packet.packetId === null) throw new Error("not a QoS 2 message");
      late.send(ack("pubrec", packet.packetId));
    }
    expect(seen).toEqual(["one", "two", "three"]);
  });

  it("gives a message to a client exactly once", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const reader = () => Client.device(device, { clientId: "reader" });
    let client = await reader();
    expect(await client.subscribe([device.topic("notes")], 2)).toEqual([2]);
    const writer = await Client.device(device, { clientId: "writer" });
    expect(await writer.ask(exactly(device.topic("notes"), 1, "once"))).toMatchObject({ type: "pubrec" });
    const packet = await client.next();
    expect(packet).toMatchObject({ type: "publish", qos: 2, dup: false });
    if (packet.type !== "publish" || packet.packetId === null) throw new Error("not a QoS 2 message");
    const { packetId } = packet;
    client = await lose(org, client, reader);
    if (reconnects) expect(await client.next()).toEqual({ ...packet, dup: true });
    expect(await client.ask(ack("pubrec", packetId))).toEqual(ack("pubrel", packetId));
    for (let n = 0; n < 2; n += 1) {
      client = await lose(org, client, reader);
      // Never the message again, only the question whether it is done.
      if (reconnects) expect(await client.next()).toEqual(ack("pubrel", packetId));
      expect(await client.isQuiet()).toBe(true);
    }
    client.send(ack("pubcomp", packetId));
    expect(await client.isQuiet()).toBe(true);
    client = await lose(org, client, reader);
    expect(await client.isQuiet()).toBe(true);
    expect([await countRows(org, "messages"), await countRows(org, "releases")]).toEqual([0, 0]);
  });
});

describe("QoS 2", () => {
  it("resumes PUBRELs in the order of the PUBRECs, then messages with DUP in their first order", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const reader = await Client.device(device, { clientId: "reader" });
    await reader.subscribe([device.topic("notes")], 2);
    const writer = await Client.device(device, { clientId: "writer" });
    const texts = ["a", "b", "c", "d"];
    const ids: number[] = [];
    for (const [index, text] of texts.entries()) {
      writer.send(exactly(device.topic("notes"), index + 1, text));
      const packet = await reader.next();
      if (packet.type === "publish" && packet.packetId !== null) ids.push(packet.packetId);
    }
    const [a = 0, b = 0, c = 0, d = 0] = ids;
    for (const packetId of [c, b]) expect(await reader.ask(ack("pubrec", packetId))).toEqual(ack("pubrel", packetId));
    await evict(org);
    const again = await Client.device(device, { clientId: "reader" });
    const resumed = [];
    for (let n = 0; n < 4; n += 1) resumed.push(await again.next());
    expect(resumed).toEqual([
      ack("pubrel", c),
      ack("pubrel", b),
      exactly(device.topic("notes"), a, "a", true),
      exactly(device.topic("notes"), d, "d", true),
    ]);
  });

  it("keeps granted QoS, retained messages and wills through an eviction", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const watcher = await Client.device(device, { clientId: "watcher" });
    expect(await watcher.subscribe([device.topic("wills")], 2)).toEqual([2]);
    const will = {
      topic: device.topic("wills"),
      payload: new TextEncoder().encode("lost"),
      qos: 2,
      retain: true,
      properties: null,
    } as const;
    const mortal = await Client.device(device, { clientId: "mortal", will });
    const kept = exactly(device.topic("reported"), 1, "v1", false, true);
    expect(await mortal.ask(kept)).toEqual(ack("pubrec", 1));
    await evict(org);
    mortal.drop();
    expect(await watcher.message(false)).toMatchObject({ text: "lost", qos: 2, retain: false });
    await evict(org);
    const dashboard = await joinAndConnect(org, "readonly");
    for (const [topic, text] of [
      ["reported", "v1"],
      ["wills", "lost"],
    ] as const) {
      expect(await dashboard.subscribe([device.topic(topic)], 2)).toEqual([2]);
      expect(await dashboard.message(false)).toMatchObject({ text, qos: 2, retain: true });
    }
  });

  it("brings a sample to Postgres once, however often it is sent before its PUBREL", async () => {
    const org = newOrg();
    const device = await enrol(org);
    let client = await Client.device(device);
    const topic = device.topic("telemetry");
    for (const [packetId, id] of [
      [1, "s1"],
      [2, "s2"],
      [1, "s3"],
    ] as const) {
      for (let n = 0; n < 3; n += 1) {
        expect(await client.ask(exactly(topic, packetId, sample(id), n > 0))).toEqual(ack("pubrec", packetId));
        await evict(org);
        client = await Client.device(device);
      }
      expect(await client.ask(ack("pubrel", packetId))).toEqual(ack("pubcomp", packetId));
    }
    await drain(org);
    const samples = (ingest.arrivals.get(org) ?? []).flatMap((record) =>
      record.kind === "telemetry" ? [record.sampleId] : [],
    );
    expect(samples).toEqual(["s1", "s2", "s3"]);
  });

  it("leaves nothing behind when its session or its device goes", async () => {
    const org = newOrg();
    const device: TestDevice = await enrol(org);
    const client = await Client.device(device);
    await client.subscribe([device.topic("notes")], 2);
    for (const packetId of [1, 2]) client.send(exactly(device.topic("notes"), packetId, "x"));
    const ids: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const packet = await client.next();
      if (packet.type === "publish" && packet.packetId !== null) ids.push(packet.packetId);
    }
    await client.ask(ack("pubrec", ids[0] ?? 0));
    for (const table of ["messages", "releases"]) expect([table, await countRows(org, table)]).toEqual([table, 1]);
    expect(await countRows(org, "received")).toBe(2);
    await Client.device(device, { clean: true });
    await expectNothingStored(org);
  });
});

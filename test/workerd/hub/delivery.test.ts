import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
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
  expectAccepted,
  goodbye,
  joinAndConnect,
  newOrg,
  newUser,
  partialBytes,
  publishPacket,
  stopClock,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

describe("QoS 1", () => {
  it("is stored before it is acknowledged", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const sleeper = await Client.device(device, { clientId: "sleeper" });
    expect(await sleeper.subscribe([device.topic("notes")])).toEqual([1]);
    sleeper.send(goodbye);
    await sleeper.next();
    const writer = await Client.device(device, { clientId: "writer" });
    expect(await writer.publish(device.topic("notes"), "kept")).toEqual(ack("puback", 1));
    // Everything in memory goes; what was acknowledged must not.
    await evict(org, { webSockets: "close" });
    const again = await Client.device(device, { clientId: "sleeper" });
    expect(await again.message()).toMatchObject({ text: "kept", qos: 1, dup: false });
  });

  it("is sent again with DUP after a reconnect, under the same packet id, until it is acknowledged", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const reader = await Client.device(device, { clientId: "reader" });
    await reader.subscribe([device.topic("notes")]);
    const writer = await Client.device(device, { clientId: "writer" });
    await writer.publish(device.topic("notes"), "once");
    expect(await reader.message(false)).toMatchObject({ text: "once", dup: false });
    reader.drop();
    const second = await Client.device(device, { clientId: "reader" });
    expect(await second.message()).toMatchObject({ text: "once", dup: true });
    expect(await second.isQuiet()).toBe(true);
    const third = await Client.device(device, { clientId: "reader" });
    expect(await third.isQuiet()).toBe(true);
    expect(await countRows(org, "messages")).toBe(0);
  });

  it("reaches a device that was away once each, in order", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const first = await Client.device(device);
    await first.subscribe([device.topic("commands")]);
    first.send(goodbye);
    await first.next();
    const texts = Array.from({ length: 50 }, (_, index) => `command ${index}`);
    for (const text of texts) await entrypoints.HubControl.publishCommand(await userCall(org), org, device.id, text);
    await evict(org);
    const again = await Client.open(org);
    const connack = await again.connect({ username: device.id, password: device.token });
    expect(connack).toMatchObject({ type: "connack", sessionPresent: true, reasonCode: 0 });
    const seen: string[] = [];
    for (const _ of texts) seen.push((await again.message()).text);
    expect(seen).toEqual(texts);
    expect(await again.isQuiet()).toBe(true);
  });

  it("keeps a command for a device that never connected, until a session takes commands", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await entrypoints.HubControl.publishCommand(await userCall(org), org, device.id, "first");
    await evict(org);
    const client = await Client.device(device, { clean: true });
    expect(await client.isQuiet()).toBe(true);
    await client.subscribe([device.topic("commands")]);
    expect(await client.message()).toMatchObject({ text: "first", qos: 1 });
    expect(await client.isQuiet()).toBe(true);
    expect(await countRows(org, "messages")).toBe(0);
  });
});

describe("a session", () => {
  it("survives eviction in the middle of a conversation, sockets included", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await client.subscribe([device.topic("notes")]);
    await evict(org);
    expect(await client.publish(device.topic("notes"), "after", 1)).toMatchObject({ type: "publish" });
    expect(await client.next()).toEqual(ack("puback", 2));
  });

  it("survives eviction between the halves of one packet", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    const bytes = client.encode(publishPacket(device.topic("x"), "y".repeat(500), { packetId: 7 }));
    client.sendBytes(bytes.slice(0, 100));
    await vi.waitUntil(async () => (await partialBytes(org)) === 100, { timeout: 60_000 });
    client.sendBytes(bytes.slice(100, 101));
    await vi.waitUntil(async () => (await partialBytes(org)) === 101, { timeout: 60_000 });
    await evict(org);
    client.sendBytes(bytes.slice(101));
    expect(await client.next()).toEqual(ack("puback", 7));
    await vi.waitUntil(async () => (await countRows(org, "partials")) === 0, { timeout: 60_000 });
  });

  it("writes nothing for a CONNECT that comes byte by byte: nobody is known yet", async () => {
    const org = newOrg();
    const known = await Client.device(await enrol(org));
    const stranger = await Client.open(org);
    // A CONNECT of 16,383 bytes is announced, and begins.
    for (const byte of [0x10, 0xff, 0x7f, 0x00, 0x04]) stranger.sendBytes(new Uint8Array([byte]));
    expect(await known.isQuiet()).toBe(true);
    expect(await countRows(org, "partials")).toBe(0);
    await evict(org);
    stranger.sendBytes(new Uint8Array([0x4d]));
    expect(await stranger.next()).toMatchObject({ type: "closed" });
  });

  it("keeps what came with a CONNECT once its token is judged, for the eviction after it", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const user = newUser();
    await entrypoints.HubControl.putMember(await userCall(org), org, user, "owner");
    const client = await Client.open(org);
    const password = await accessToken(org, user, "owner");
    const connect = client.encode(client.connectPacket({ clientId: "both", clean: true, username: user, password }));
    const publish = client.encode(publishPacket(device.topic("desired"), "y".repeat(500), { packetId: 7 }));
    client.sendBytes(new Uint8Array([...connect, ...publish.slice(0, 100)]));
    expectAccepted(await client.next());
    await vi.waitUntil(async () => (await countRows(org, "partials")) === 1, { timeout: 60_000 });
    await evict(org);
    client.sendBytes(publish.slice(100));
    expect(await client.next()).toEqual(ack("puback", 7));
  });

  it("begins anew when it is clean", async () => {
    const device = await enrol(newOrg());
    const first = await Client.device(device);
    await first.subscribe([device.topic("notes")]);
    first.drop();
    const second = await Client.open(device.org);
    const connack = await second.connect({ username: device.id, password: device.token, clean: true });
    expect(connack).toMatchObject({ sessionPresent: false, reasonCode: 0 });
    await second.publish(device.topic("notes"), "x");
    expect(await second.isQuiet()).toBe(true);
  });

  it("is taken over only by the same device and client id", async () => {
    const org = newOrg();
    const one = await enrol(org);
    const two = await enrol(org);
    const first = await Client.device(one, { clientId: "agent" });
    const other = await Client.device(two, { clientId: "agent" });
    const sibling = await Client.device(one, { clientId: "tool" });
    expect(await first.isQuiet()).toBe(true);
    const newer = await Client.device(one, { clientId: "agent" });
    expect(await first.next()).toMatchObject({ type: "closed", code: 1008 });
    for (const client of [newer, other, sibling]) expect(await client.isQuiet()).toBe(true);
  });

  it("pushes out the longest disconnected one at the 33rd, and is refused when 32 are connected", async () => {
    const device = await enrol(newOrg());
    const clients: Client[] = [];
    for (let index = 0; index < 32; index += 1) clients.push(await Client.device(device, { clientId: `c${index}` }));
    const refused = await Client.open(device.org);
    const answer = await refused.connect({ username: device.id, password: device.token, clientId: "c32" });
    expect(answer).toMatchObject({ type: "connack", reasonCode: reasonCodes.server_unavailable });
    expect(await refused.next()).toMatchObject({ type: "closed", reason: expect.stringContaining("32 sessions") });
    clients[5]?.send(goodbye);
    await clients[5]?.next();
    await Client.device(device, { clientId: "c32" });
    const pushedOut = await Client.open(device.org);
    clients[6]?.send(goodbye);
    await clients[6]?.next();
    const connack = await pushedOut.connect({ username: device.id, password: device.token, clientId: "c5" });
    expect(connack).toMatchObject({ sessionPresent: false, reasonCode: 0 });
  });
});

describe("retained messages", () => {
  it("greet a new subscriber, survive eviction and go with an empty one", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await Client.device(device);
    await client.publish(device.topic("reported"), "v1", 1, true);
    await client.publish(device.topic("reported"), "v2", 1, true);
    await evict(org);
    const dashboard = await joinAndConnect(org, "readonly");
    await dashboard.subscribe([`sentinel/${org}/devices/+/reported`]);
    expect(await dashboard.message()).toMatchObject({ text: "v2", retain: true });
    await client.publish(device.topic("reported"), "v3", 1, true);
    expect(await dashboard.message()).toMatchObject({ text: "v3", retain: false });
    await client.publish(device.topic("reported"), "", 1, true);
    await dashboard.message();
    await dashboard.subscribe([`sentinel/${org}/devices/+/reported`]);
    expect(await dashboard.isQuiet()).toBe(true);
  });
});

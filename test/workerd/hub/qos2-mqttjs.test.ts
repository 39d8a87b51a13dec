import { abortAllDurableObjects } from "cloudflare:test";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { resetIngest } from "./fake-ingest.ts";
import { Client, countRows, enrol, evict, newOrg, stopClock, type TestDevice } from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

/** Enough for each kind of loss at several steps of an exchange; then the test must end. */
const breakingsMax = 24;

const clients: MqttClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
});

/** MQTT.js over a real WebSocket through the gateway; each connection may be cut by its own stream. */
async function mqttJs(device: TestDevice, clientId: string): Promise<MqttClient> {
  const client = new mqtt.MqttClient(() => socketStream(device), {
    protocolVersion: 4,
    clean: false,
    clientId,
    username: device.id,
    password: device.token,
    keepalive: 0,
    reconnectPeriod: 1,
    resubscribe: false,
    log: () => {},
  });
  client.on("error", () => {});
  clients.push(client);
  await vi.waitUntil(() => client.connected, { timeout: 60_000 });
  return client;
}

function socketStream(device: TestDevice): Duplex {
  const opening = Client.upgrade({ "X-Sentinel-Org": device.org }, device.id);
  const stream: Duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      opening
        .then(({ webSocket }) => {
          webSocket?.send(new Uint8Array(chunk));
          done();
        })
        .catch(done);
    },
    destroy(_error, done) {
      opening
        .then(({ webSocket }) => webSocket?.close())
        .catch(() => {})
        .finally(() => done(null));
    },
  });
  opening
    .then(({ webSocket }) => {
      if (webSocket === null) throw new Error("no socket");
      webSocket.binaryType = "arraybuffer";
      webSocket.addEventListener("message", (event) => {
        stream.push(Buffer.from(event.data as ArrayBuffer));
      });
      webSocket.addEventListener("close", () => {
        stream.destroy();
      });
      webSocket.accept();
    })
    .catch((error: Error) => stream.destroy(error));
  return stream;
}

/** MQTT.js gives up what it was asked to publish while it looked through its store, when it is cut then: never sent. */
async function publish(client: MqttClient, topic: string, text: string): Promise<void> {
  for (;;) {
    try {
      await client.publishAsync(topic, text, { qos: 2 });
      return;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== "Connection closed") throw error;
    }
  }
}

describe("MQTT.js at QoS 2", () => {
  it("exchanges messages with itself, each once and in order", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const client = await mqttJs(device, "js");
    const seen: string[] = [];
    client.on("message", (_topic, payload) => seen.push(payload.toString()));
    const [granted] = await client.subscribeAsync(device.topic("notes"), { qos: 2 });
    expect(granted?.qos).toBe(2);
    const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
    await Promise.all(texts.map((text) => client.publishAsync(device.topic("notes"), text, { qos: 2 })));
    await vi.waitUntil(() => seen.length >= texts.length, { timeout: 60_000 });
    expect(seen).toEqual(texts);
    for (const table of ["messages", "releases", "received"])
      await vi.waitUntil(async () => (await countRows(org, table)) === 0, { timeout: 60_000 });
  });

  it("loses and repeats nothing while its connections are cut and the object comes and goes", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const reader = await mqttJs(device, "reader");
    const writer = await mqttJs(device, "writer");
    const seen: string[] = [];
    let packets = 0;
    let breakings = 0;
    reader.on("message", (_topic, payload) => seen.push(payload.toString()));
    await reader.subscribeAsync(device.topic("notes"), { qos: 2 });
    // Every few packets something breaks, wherever in an exchange that happens to be.
    const breaks: readonly (() => unknown)[] = [
      () => reader.stream.destroy(),
      () => writer.stream.destroy(),
      async () => {
        // Only what runs can be evicted.
        await countRows(org, "received");
        await evict(org);
      },
      () => abortAllDurableObjects(),
    ];
    let broken: Promise<unknown> = Promise.resolve();
    let reconnects = 0;
    for (const client of [reader, writer]) {
      client.on("packetreceive", () => {
        packets += 1;
        if (packets % 11 !== 0 || breakings >= breakingsMax) return;
        const next = breaks[breakings % breaks.length];
        breakings += 1;
        broken = broken.then(async () => await next?.());
      });
      client.on("connect", () => {
        reconnects += 1;
      });
    }
    // One at a time: all at once would be a handful of frames, and nothing could break in between.
    const texts = Array.from({ length: 60 }, (_, index) => `${index}`);
    for (const text of texts) await publish(writer, device.topic("notes"), text);
    await vi.waitUntil(() => seen.length >= texts.length, { timeout: 60_000 });
    await broken;
    await vi.waitUntil(async () => (await countRows(org, "releases")) === 0, { timeout: 60_000 });
    expect(seen).toEqual(texts);
    expect(reconnects).toBeGreaterThan(4);
  });
});

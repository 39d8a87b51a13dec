import { EventEmitter } from "node:events";
import type { MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sentence } from "../../../workers/dashboard/src/format/sentence.ts";
import { backoffLongestMs } from "../../../workers/dashboard/src/live/backoff.ts";
import { LiveConnection } from "../../../workers/dashboard/src/live/connection.ts";

/** A client whose network is the test. */
class ScriptedClient extends EventEmitter {
  readonly filters = new Set<string>();
  ended = false;
  subscribe(filter: string): void {
    this.filters.add(filter);
  }
  unsubscribe(filter: string): void {
    this.filters.delete(filter);
  }
  end(): void {
    this.ended = true;
  }
}

let clients: ScriptedClient[];
let connection: LiveConnection;
const settle = () => vi.advanceTimersByTimeAsync(0);
const newest = (): ScriptedClient => clients.at(-1) as ScriptedClient;
const heard: string[] = [];
const hear = (topic: string): void => void heard.push(topic);

beforeEach(async () => {
  vi.useFakeTimers();
  clients = [];
  heard.length = 0;
  connection = new LiveConnection("ws://here.test/mqtt/org_a", async () => {
    const client = new ScriptedClient();
    clients.push(client);
    return client as unknown as MqttClient;
  });
  connection.start();
  await settle();
});
afterEach(() => {
  connection.close();
  vi.useRealTimers();
});

describe("one live connection for a page", () => {
  it("subscribes what was asked for before it was connected", () => {
    connection.subscribe("a/+", hear);
    expect(newest().filters).toEqual(new Set());
    newest().emit("connect");
    expect(newest().filters).toEqual(new Set(["a/+"]));
    expect(connection.getState()).toEqual({ kind: "live" });
  });

  it("hands a message to those who asked for it, until they stop", () => {
    newest().emit("connect");
    const stop = connection.subscribe("a/+", hear);
    newest().emit("message", "a/1", new Uint8Array());
    newest().emit("message", "b/1", new Uint8Array());
    stop();
    newest().emit("message", "a/2", new Uint8Array());
    expect(heard).toEqual(["a/1"]);
    expect(newest().filters).toEqual(new Set());
  });

  it("keeps a subscription for as long as anybody wants it", () => {
    newest().emit("connect");
    const stopFirst = connection.subscribe("a/+", hear);
    const stopSecond = connection.subscribe("a/+", () => undefined);
    stopSecond();
    expect(newest().filters.has("a/+")).toBe(true);
    stopFirst();
    expect(newest().filters.has("a/+")).toBe(false);
  });

  it("comes back after a loss and asks again for everything", async () => {
    connection.subscribe("a/+", hear);
    newest().emit("connect");
    newest().emit("close");
    expect(connection.getState().kind).toBe("waiting");
    await vi.advanceTimersByTimeAsync(backoffLongestMs);
    expect(clients).toHaveLength(2);
    newest().emit("connect");
    expect(newest().filters).toEqual(new Set(["a/+"]));
  });

  it("shows why the server ended the connection, and leaves it alone for as long as it asked", async () => {
    newest().emit("connect");
    const open = newest();
    const reasonString = "a new release; retry after 90 s";
    open.emit("packetreceive", { cmd: "disconnect", reasonCode: 0x8b, properties: { reasonString } });
    open.emit("disconnect");
    expect(open.ended).toBe(true);
    open.emit("close");
    expect(connection.getState()).toMatchObject({
      kind: "waiting",
      reason: "server shutting down: a new release; retry after 90 s",
    });
    await vi.advanceTimersByTimeAsync(89_999);
    expect(clients).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(backoffLongestMs);
    expect(clients).toHaveLength(2);
  });

  it("gives no reason where the server gave none, and forgets the last one", async () => {
    newest().emit("packetreceive", { cmd: "connack", reasonCode: 0x97 });
    newest().emit("close");
    expect(connection.getState()).toMatchObject({ reason: "quota exceeded" });
    await vi.advanceTimersByTimeAsync(backoffLongestMs);
    newest().emit("packetreceive", { cmd: "connack", reasonCode: 0 });
    newest().emit("connect");
    newest().emit("close");
    expect(connection.getState()).toMatchObject({ kind: "waiting", reason: null });
  });

  it("does not stay on a connection that it can't read any more", () => {
    newest().emit("connect");
    newest().emit("error", new Error("Invalid puback reason code"));
    expect(newest().ended).toBe(true);
  });

  it("comes back at once when asked to", async () => {
    newest().emit("close");
    connection.retryNow();
    await settle();
    expect(clients).toHaveLength(2);
  });

  it("does not come back once it is closed", async () => {
    newest().emit("connect");
    const open = newest();
    connection.close();
    open.emit("close");
    await vi.advanceTimersByTimeAsync(10 * backoffLongestMs);
    expect(open.ended).toBe(true);
    expect(clients).toHaveLength(1);
    expect(connection.getState()).toEqual({ kind: "closed" });
  });
});

describe("why the connection ended, on screen", () => {
  it("is the server's own sentence", () => {
    expect(sentence("server shutting down: a new release; retry after 90 s")).toBe(
      "Server shutting down: a new release; retry after 90 s",
    );
    expect(sentence("")).toBe("");
  });
});

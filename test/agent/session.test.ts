/** One session against a real peer, with a link watch that is a thousand times faster than the agent's. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CloseReason } from "../../agent/connection/close-reason.ts";
import { homeRoute, type Route } from "../../agent/connection/route.ts";
import type { PublishOutcome } from "../../agent/connection/server-word.ts";
import { type Granted, mqttSessions, type Session } from "../../agent/connection/session.ts";
import { inflightMax } from "../../agent/queue/window.ts";
import { device, org, Peer, prefix, token } from "./peer.ts";

interface Opened {
  readonly session: Session;
  readonly connected: Promise<Granted>;
  readonly closed: Promise<CloseReason>;
  readonly subscriptionRefused: Promise<string>;
}

let peer: Peer;
let opened: Opened[];
beforeEach(async () => {
  peer = await new Peer().start();
  opened = [];
});
afterEach(async () => {
  for (const { session } of opened) await session.end(0);
  await peer.stop();
});

function open(version: Route["protocolVersion"] = 5): Opened {
  const mqttUrl = `ws://localhost:${peer.port}/mqtt/${org}`;
  const connected = Promise.withResolvers<Granted>();
  const closed = Promise.withResolvers<CloseReason>();
  const refused = Promise.withResolvers<string>();
  const session = mqttSessions({ pingMsMin: 25, pingMsMax: 30, answerMsMax: 500 })(
    { org, device, token, mqttUrl, topicPrefix: prefix, ca: null },
    { ...homeRoute(mqttUrl), protocolVersion: version },
    { connected: connected.resolve, closed: closed.resolve, subscriptionRefused: refused.resolve, command: () => {} },
  );
  const all = {
    session,
    connected: connected.promise,
    closed: closed.promise,
    subscriptionRefused: refused.promise,
  };
  opened.push(all);
  return all;
}

const publish = ({ session }: Opened, payload = "x"): Promise<PublishOutcome> =>
  new Promise((resolve) => session.publish(`${prefix}/telemetry`, payload, resolve));

describe("the link", () => {
  test("stays through any silence of MQTT packets while WebSocket pings are answered", async () => {
    const { connected } = open();
    expect(await connected).toEqual({ protocolVersion: 5, keepAliveSeconds: 5400 });
    await peer.until(() => peer.pings >= 6);
    expect(peer.packets).toBe(2);
    expect(peer.connected).toBe(1);
  });

  test("is given up when pings stay without an answer", async () => {
    const { closed } = open();
    await peer.until(() => peer.pings >= 2);
    peer.script.withholdPongs = true;
    expect(await closed).toEqual({ kind: "lost", detail: "no answer to a WebSocket ping" });
    await peer.until(() => peer.connected === 0);
  });

  test("is kept alive as often as the server wants it", async () => {
    peer.script.connackProperties = { serverKeepAlive: 1 };
    const { connected } = open();
    expect(await connected).toEqual({ protocolVersion: 5, keepAliveSeconds: 1 });
    // CONNECT, SUBSCRIBE, then PINGREQs and nothing else.
    await peer.until(() => peer.packets >= 4);
    expect(peer.arrivals).toEqual([]);
  });

  test("asks a server of 3.1.1 for the keep-alive that everybody asks for", async () => {
    expect(await open(4).connected).toEqual({ protocolVersion: 4, keepAliveSeconds: 60 });
    expect(peer.connects[0]).toMatchObject({ protocolVersion: 4, keepalive: 60, clean: false });
    await peer.until(() => peer.pings >= 1);
  });
});

describe("a refusal", () => {
  const hint = { reasonString: "5000 devices are ahead; retry after 7 s" };
  test.each<[number, object, Partial<CloseReason>]>([
    [0x86, {}, { kind: "credentials_refused", said: "CONNACK 0x86 bad user name or password" }],
    [0x87, {}, { kind: "credentials_refused" }],
    [0x88, {}, { kind: "server_busy", retryAfterMs: null }],
    [0x89, hint, { kind: "server_busy", retryAfterMs: 7_000 }],
    [0x97, hint, { kind: "server_busy", said: `CONNACK 0x97 quota exceeded: ${hint.reasonString}` }],
    [0x9f, hint, { kind: "server_busy", retryAfterMs: 7_000 }],
    [0x80, {}, { kind: "connect_refused" }],
    [0x84, {}, { kind: "version_refused" }],
    [0x9d, { serverReference: "wss://elsewhere.example/mqtt" }, { kind: "redirect_refused" }],
  ])("CONNACK %i with %o is %o", async (code, properties, reason) => {
    peer.script.connack = code;
    peer.script.connackProperties = properties;
    expect(await open().closed).toMatchObject(reason);
  });

  test("of 5.0 in the two bytes of a server of 3.1.1 is understood", async () => {
    peer.script.speaks5 = false;
    expect(await open().closed).toMatchObject({ kind: "version_refused" });
  });

  test.each([
    [3, "server_busy"],
    [4, "credentials_refused"],
    [5, "credentials_refused"],
    [1, "connect_refused"],
  ])("of 3.1.1, return code %i, is %s", async (code, kind) => {
    peer.script.connack = code;
    expect(await open(4).closed).toMatchObject({ kind });
  });

  test("of the command topic is told in the server's words", async () => {
    peer.script.suback = 0x97;
    expect(await open().subscriptionRefused).toBe("SUBACK 0x97 quota exceeded");
  });
});

describe("the server's end", () => {
  test("is told with its reason string, and the agent closes the connection", async () => {
    const { connected, closed } = open();
    await connected;
    peer.sendDisconnect(0x8b, { reasonString: "a new release; retry after 3 s" });
    expect(await closed).toEqual({
      kind: "disconnected",
      said: "DISCONNECT 0x8b server shutting down: a new release; retry after 3 s",
      retryAfterMs: 3_000,
    });
    await peer.until(() => peer.connected === 0);
  });

  test("may name another address of the same origin", async () => {
    const { connected, closed } = open();
    await connected;
    peer.sendDisconnect(0x9d, { serverReference: "/mqtt/shard-2" });
    expect(await closed).toEqual({
      kind: "redirected",
      url: `ws://localhost:${peer.port}/mqtt/shard-2`,
      lasting: true,
    });
  });

  test("in 3.1.1 is told with the text of the close frame", async () => {
    const { connected, closed } = open(4);
    await connected;
    peer.close(1008, "topic not allowed\u001b[2J");
    expect(await closed).toEqual({ kind: "lost", detail: "topic not allowed[2J" });
  });
});

describe("a message", () => {
  test("has arrived at PUBACK 0 and with nobody listening", async () => {
    const all = open();
    await all.connected;
    expect(await publish(all)).toEqual({ kind: "arrived" });
    peer.script.puback = () => ({ reasonCode: 0x10 });
    expect(await publish(all)).toEqual({ kind: "arrived" });
  });

  test.each([
    [0x97, "later"],
    [0x80, "later"],
    [0x83, "later"],
    [0x87, "refused"],
    [0x90, "refused"],
    [0x99, "refused"],
  ])("has not arrived at PUBACK %i: %s", async (reasonCode, kind) => {
    const all = open();
    await all.connected;
    peer.script.puback = () => ({ reasonCode, reasonString: "the outbox is full; retry after 2 s" });
    const outcome = await publish(all);
    expect(outcome).toMatchObject({ kind, said: expect.stringContaining("the outbox is full") });
    if (outcome.kind === "later") expect(outcome.retryAfterMs).toBe(2_000);
  });

  test("waits for its turn under the server's receive maximum", async () => {
    peer.script.connackProperties = { receiveMaximum: 2 };
    peer.script.withholdPubacks = true;
    const all = open();
    await all.connected;
    for (const name of ["a", "b", "c"]) void publish(all, name);
    // A ping travels behind whatever was sent before it.
    const { pings } = peer;
    await peer.until(() => peer.pings >= pings + 3);
    expect(peer.arrivals.map(({ payload }) => payload)).toEqual(["a", "b"]);
  });

  test("takes up the turns that answers free, refusals among them", async () => {
    peer.script.connackProperties = { receiveMaximum: 1 };
    peer.script.puback = () => ({ reasonCode: 0x97 });
    const all = open();
    await all.connected;
    const names = Array.from({ length: inflightMax }, (_, index) => `${index}`);
    await Promise.all(names.map((name) => publish(all, name)));
    expect(peer.arrivals.map(({ payload }) => payload)).toEqual(names);
  });

  test("larger than the server takes is refused here, and the connection stays", async () => {
    peer.script.connackProperties = { maximumPacketSize: 300 };
    const all = open();
    await all.connected;
    expect(await publish(all, "x".repeat(300))).toMatchObject({ kind: "refused" });
    expect(await publish(all)).toEqual({ kind: "arrived" });
    expect(peer.arrivals).toHaveLength(1);
  });
});

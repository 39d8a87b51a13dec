/** The page's own connection, over this runtime's WebSocket, against a real peer. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { LiveConnection } from "../../../workers/dashboard/src/live/connection.ts";
import { openClient } from "../../../workers/dashboard/src/live/open-client.ts";
import { Peer } from "../../agent/peer.ts";

let peer: Peer;
let connection: LiveConnection;
beforeEach(async () => {
  peer = await new Peer().start();
  connection = new LiveConnection(`ws://localhost:${peer.port}/mqtt/org_a`, openClient);
});
afterEach(async () => {
  connection.close();
  await peer.stop();
});

const untilState = (kind: string): Promise<void> =>
  new Promise((resolve) => {
    connection.onState(() => connection.getState().kind === kind && resolve());
  });

it("speaks MQTT 5.0, leaves no session and no will behind, and names no credential", async () => {
  const live = untilState("live");
  connection.start();
  await live;
  const [connect] = peer.connects;
  expect(connect).toMatchObject({
    protocolVersion: 5,
    clean: true,
    keepalive: 60,
    properties: { sessionExpiryInterval: 0 },
  });
  expect([connect?.will, connect?.username, connect?.password]).toEqual([undefined, undefined, undefined]);
});

it("shows the reason string of a refusal", async () => {
  peer.script.connack = 0x97;
  peer.script.connackProperties = { reasonString: "32 sessions are connected; retry after 60 s" };
  const waiting = untilState("waiting");
  connection.start();
  await waiting;
  expect(connection.getState()).toMatchObject({
    reason: "quota exceeded: 32 sessions are connected; retry after 60 s",
  });
});

it("shows the reason string of the server's DISCONNECT and closes", async () => {
  const live = untilState("live");
  connection.start();
  await live;
  const waiting = untilState("waiting");
  peer.sendDisconnect(0xa0, { reasonString: "the access token ended; connect again" });
  await waiting;
  expect(connection.getState()).toMatchObject({
    reason: "maximum connect time: the access token ended; connect again",
  });
  await peer.until(() => peer.connected === 0);
});

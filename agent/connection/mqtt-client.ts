/** The CONNECT of this agent, and the socket under it. */
import "./no-debug.ts";

import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import WebSocket from "ws";
import { packetBytesMax } from "../../core/limits.ts";
import { inflightMax } from "../queue/window.ts";
import type { Credentials } from "../state/credentials.ts";
import { proxyFor, tunnelAgent } from "./proxy.ts";
import type { ProtocolVersion, Route } from "./route.ts";
import { trustOptions } from "./trust.ts";

/**
 * Seconds. A PINGREQ wakes the tenant's object, and the link is watched with WebSocket pings
 * (`link-watch.ts`), so this only has to be short enough that the broker forgets a dead socket that
 * it was not told of. The broker may grant less (Server Keep Alive), which MQTT.js obeys.
 */
const keepAliveSeconds = 5400;
/** 3.1.1 has no Server Keep Alive and no user properties, so nothing can be agreed: what everybody asks for. */
const keepAliveSecondsOf311 = 60;
/**
 * 30 days: a device that is switched off over the longest holidays finds its session again, and the
 * broker forgets one that was thrown away. Nothing in a session lives longer: commands expire by themselves.
 */
const sessionExpirySeconds = 30 * 24 * 3600;
/** TCP, TLS, upgrade and CONNACK together. */
const connectMsMax = 20_000;

/** Stable, so that the broker keeps one session; at most 23 characters [MQTT-3.1.3-5]. */
export function clientIdOf(credentials: Credentials): string {
  return `agent-${credentials.device.slice(-12)}`;
}

export interface OpenedClient {
  readonly client: MqttClient;
  readonly socket: WebSocket;
}

/** Begins to connect. MQTT.js's own reconnect and queue are off: `ConnectionKeeper` and the disk have those. */
export function openClient(credentials: Credentials, route: Route): OpenedClient {
  const url = new URL(route.url);
  const secure = url.protocol === "wss:";
  let socket: WebSocket | null = null;
  const client = mqtt.connect({
    ...packetOptions(route.protocolVersion),
    protocol: secure ? "wss" : "ws",
    hostname: url.hostname,
    clean: false,
    clientId: clientIdOf(credentials),
    username: credentials.device,
    password: credentials.token,
    connectTimeout: connectMsMax,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Its default prints whole packets (see no-debug.ts).
    log: () => {},
    createWebsocket: (_url, protocols) => {
      socket = openSocket(url, protocols, credentials);
      return socket;
    },
  });
  // MQTT.js makes its stream before it returns.
  if (socket === null) throw new Error("MQTT.js opened no socket");
  return { client, socket };
}

function packetOptions(version: ProtocolVersion): IClientOptions {
  if (version === 4) return { protocolVersion: 4, keepalive: keepAliveSecondsOf311 };
  return {
    protocolVersion: 5,
    keepalive: keepAliveSeconds,
    properties: {
      sessionExpiryInterval: sessionExpirySeconds,
      // As many as it sends itself: neither side has to hold more for the other.
      receiveMaximum: inflightMax,
      maximumPacketSize: packetBytesMax,
      // Tells the broker that it need not watch the link with a short keep-alive.
      userProperties: { "sentinel-link": "websocket-ping" },
    },
  };
}

function openSocket(url: URL, protocols: string[], credentials: Credentials): WebSocket {
  const trust = trustOptions(credentials.ca);
  const proxy = proxyFor(url, process.env);
  return new WebSocket(url, protocols, {
    maxPayload: packetBytesMax,
    handshakeTimeout: connectMsMax,
    perMessageDeflate: false,
    followRedirects: false,
    ...(url.protocol === "wss:" ? trust : {}),
    ...(proxy === null ? {} : { agent: tunnelAgent(proxy, trust) }),
  });
}

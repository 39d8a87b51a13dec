/**
 * One MQTT connection, from CONNECT to its end; never more. MQTT.js's own reconnect and its own
 * queue are off: when to try again is `ConnectionKeeper`'s, and what to send is on disk.
 */
import "./no-debug.ts";

import mqtt, { type MqttClient } from "mqtt";
import { packetBytesMax } from "../../core/limits.ts";
import type { Credentials } from "../state/credentials.ts";
import type { CloseReason } from "./close-reason.ts";
import { proxyFor, tunnelAgent } from "./proxy.ts";
import { trustOptions } from "./trust.ts";

/** Seconds; the broker takes a device for lost after one and a half [MQTT-3.1.2-24]. */
const keepaliveSeconds = 60;
/** TCP, TLS, upgrade and CONNACK together. */
const connectMsMax = 20_000;

export interface SessionEvents {
  /** CONNACK 0. */
  connected(): void;
  /**
   * A message on the command topic. It is acknowledged when this returns: what must not be lost is
   * durable by then.
   */
  command(payload: Uint8Array): void;
  /** SUBACK 0x80: no commands will come. */
  subscriptionRefused(): void;
  /** Exactly once, last. */
  closed(reason: CloseReason): void;
}

export interface Session {
  /** QoS 1; `acknowledged` is called at its PUBACK and never if the connection ends before. */
  publish(topic: string, payload: Uint8Array | string, acknowledged: () => void): void;
  /** Sends DISCONNECT and closes; cuts the connection after `msMax`. Resolves when it is closed. */
  end(msMax: number): Promise<void>;
}

export type OpenSession = (credentials: Credentials, events: SessionEvents) => Session;

/** Stable, so that the broker keeps one session; at most 23 characters [MQTT-3.1.3-5]. */
export function clientIdOf(credentials: Credentials): string {
  return `agent-${credentials.device.slice(-12)}`;
}

export const openMqttSession: OpenSession = (credentials, events) => {
  const client = connect(credentials);
  const commandTopic = `${credentials.topicPrefix}/commands`;
  /** Written by the handlers below; the first cause wins, later ones are its consequences. */
  let reason: CloseReason | null = null;
  let wasConnected = false;
  const failed = (error: unknown): void => {
    reason ??= reasonOf(error);
  };
  const isClosed = new Promise<void>((resolve) => {
    client.once("close", () => {
      events.closed(
        reason ??
          (wasConnected
            ? { kind: "lost" }
            : { kind: "unreachable", code: "closed", detail: "the server closed the connection" }),
      );
      resolve();
    });
  });
  client.on("error", failed);
  // MQTT.js swallows stream errors without a code, among them the status of a refused upgrade.
  client.stream.on("error", failed);
  client.once("connect", () => {
    wasConnected = true;
    events.connected();
    client.subscribe(commandTopic, { qos: 1 }, (error, _granted, suback) => {
      // Without a SUBACK the connection ended first, which `closed` tells.
      if (error !== null && suback !== undefined) events.subscriptionRefused();
    });
  });
  client.handleMessage = (packet, acknowledge) => {
    try {
      if (packet.topic === commandTopic) events.command(Buffer.from(packet.payload));
      acknowledge();
    } catch (error) {
      // Not durable: no PUBACK, so the broker keeps it and sends it on the next connection.
      failed(error);
      client.stream.destroy();
    }
  };
  return {
    publish: (topic, payload, acknowledged) => {
      const body = typeof payload === "string" ? payload : Buffer.from(payload);
      client.publish(topic, body, { qos: 1 }, (error) => {
        if (error === undefined || error === null) acknowledged();
      });
    },
    end: async (msMax) => {
      reason ??= { kind: "ended" };
      // MQTT.js waits for outstanding PUBACKs before DISCONNECT; the queue on disk already has those.
      for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
      if (client.connected) client.end(false);
      else client.end(true);
      await closedOrCut(client, isClosed, msMax);
    },
  };
};

/** A peer that never answers a close must not keep the agent from stopping. */
async function closedOrCut(client: MqttClient, isClosed: Promise<void>, msMax: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), msMax);
  });
  const outcome = await Promise.race([isClosed, late]);
  clearTimeout(timer);
  if (outcome === "late") client.stream.destroy();
}

function connect(credentials: Credentials): MqttClient {
  const url = new URL(credentials.mqttUrl);
  const secure = url.protocol === "wss:";
  const trust = trustOptions(credentials.ca);
  const proxy = proxyFor(url, process.env);
  return mqtt.connect({
    protocol: secure ? "wss" : "ws",
    hostname: url.hostname,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    protocolVersion: 4,
    clean: false,
    clientId: clientIdOf(credentials),
    username: credentials.device,
    password: credentials.token,
    keepalive: keepaliveSeconds,
    connectTimeout: connectMsMax,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Its default prints whole packets (see no-debug.ts).
    log: () => {},
    wsOptions: {
      maxPayload: packetBytesMax,
      handshakeTimeout: connectMsMax,
      perMessageDeflate: false,
      followRedirects: false,
      ...(secure ? trust : {}),
      ...(proxy === null ? {} : { agent: tunnelAgent(proxy, trust) }),
    },
  });
}

function reasonOf(error: unknown): CloseReason {
  if (!(error instanceof Error)) return { kind: "lost" };
  const { code, message } = error as NodeJS.ErrnoException;
  const returnCode: unknown = code;
  if (typeof returnCode === "number") {
    return { kind: returnCode === 4 || returnCode === 5 ? "credentials_refused" : "connect_refused", returnCode };
  }
  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1];
  if (status !== undefined) return { kind: "upgrade_refused", status: Number(status) };
  return { kind: "unreachable", code: code ?? "error", detail: message };
}

/** One MQTT connection, from CONNECT to its end; never more. */
import "./no-debug.ts";

import type { IConnackPacket, IDisconnectPacket, MqttClient, Packet } from "mqtt";
import type WebSocket from "ws";
import { reasonCodes } from "../../core/mqtt/reason-codes.ts";
import type { Credentials } from "../state/credentials.ts";
import type { CloseReason } from "./close-reason.ts";
import { type LinkTimes, linkTimes, type WatchClock, watchLink } from "./link-watch.ts";
import { openClient } from "./mqtt-client.ts";
import type { ProtocolVersion, Route } from "./route.ts";
import { SendQuota } from "./send-quota.ts";
import {
  judgeConnack,
  judgeDisconnect,
  judgePuback,
  type PublishOutcome,
  plainText,
  type ServerWord,
  sayWord,
} from "./server-word.ts";

/** What the server agreed to. */
export interface Granted {
  readonly protocolVersion: ProtocolVersion;
  /** The server's, where it named one. */
  readonly keepAliveSeconds: number;
}

export interface SessionEvents {
  /** CONNACK 0. */
  connected(granted: Granted): void;
  /**
   * A message on the command topic. It is acknowledged when this returns: what must not be lost is
   * durable by then.
   */
  command(payload: Uint8Array): void;
  /** SUBACK 0x80 and above: no commands will come. */
  subscriptionRefused(said: string): void;
  /** Exactly once, last. */
  closed(reason: CloseReason): void;
}

export interface Session {
  /** QoS 1; `answered` is called at its PUBACK and never if the connection ends before. */
  publish(topic: string, payload: Uint8Array | string, answered: (outcome: PublishOutcome) => void): void;
  /** Sends DISCONNECT and closes; cuts the connection after `msMax`. Resolves when it is closed. */
  end(msMax: number): Promise<void>;
}

export type OpenSession = (credentials: Credentials, route: Route, events: SessionEvents) => Session;

/** @param times of the link's watch; tests run it faster */
export function mqttSessions(times: LinkTimes): OpenSession {
  return (credentials, route, events) => new MqttSession(credentials, route, events, times);
}

export const openMqttSession: OpenSession = mqttSessions(linkTimes);

const systemClock: WatchClock = {
  random: () => Math.random(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** More than any fixed header, topic length, packet id and property length take. */
const publishOverheadBytes = 16;

class MqttSession implements Session {
  readonly #home: string;
  readonly #route: Route;
  readonly #events: SessionEvents;
  readonly #times: LinkTimes;
  readonly #client: MqttClient;
  readonly #socket: WebSocket;
  readonly #commandTopic: string;
  readonly #isClosed: Promise<void>;
  /** The first cause wins, later ones are its consequences. Written only by `#blame`. */
  #reason: CloseReason | null = null;
  /** The text of the close frame, which 3.1.1 has in place of reason strings. */
  #closeText: string | null = null;
  #wasConnected = false;
  #quota = new SendQuota(Number.POSITIVE_INFINITY);
  #packetBytesMax = Number.POSITIVE_INFINITY;
  #stopWatching = (): void => {};

  constructor(credentials: Credentials, route: Route, events: SessionEvents, times: LinkTimes) {
    this.#home = credentials.mqttUrl;
    this.#route = route;
    this.#events = events;
    this.#times = times;
    this.#commandTopic = `${credentials.topicPrefix}/commands`;
    const { client, socket } = openClient(credentials, route);
    this.#client = client;
    this.#socket = socket;
    this.#isClosed = new Promise((resolve) => {
      client.once("close", () => {
        this.#stopWatching();
        events.closed(this.#reason ?? this.#unexplained());
        resolve();
      });
    });
    this.#listen();
  }

  publish(topic: string, payload: Uint8Array | string, answered: (outcome: PublishOutcome) => void): void {
    const body = Buffer.from(payload);
    // Sending it would end the connection [MQTT-3.2.2-15], and once more after each reconnection.
    if (publishOverheadBytes + Buffer.byteLength(topic) + body.length > this.#packetBytesMax) {
      const word = { code: reasonCodes.packet_too_large, reasonString: null, serverReference: null };
      queueMicrotask(() => answered({ kind: "refused", said: sayWord("CONNACK's maximum packet size:", word) }));
      return;
    }
    this.#quota.send(() => {
      this.#client.publish(topic, body, { qos: 1 }, (error, packet) => {
        const code = (error as { readonly code?: unknown } | null | undefined)?.code;
        // An error without a reason code is the connection's: there was no PUBACK.
        if (error && typeof code !== "number") return;
        this.#quota.answered();
        answered(judgePuback(wordOf(typeof code === "number" ? code : 0, packet)));
      });
    });
  }

  async end(msMax: number): Promise<void> {
    this.#blame({ kind: "ended" });
    const client = this.#client;
    // MQTT.js waits for outstanding PUBACKs before DISCONNECT; the queue on disk already has those.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
    client.end(!client.connected);
    await this.#closedOrCut(msMax);
  }

  #listen(): void {
    const client = this.#client;
    // MQTT.js reports a packet that it can't read and leaves the connection open, deaf.
    client.on("error", (error) => this.#fail(reasonOf(error, this.#wasConnected)));
    // It swallows stream errors without a code, among them the status of a refused upgrade.
    client.stream.on("error", (error) => this.#blame(reasonOf(error, this.#wasConnected)));
    this.#socket.once("close", (_code, text) => {
      if (text.length > 0) this.#closeText = plainText(text.toString("utf8"));
    });
    // Ahead of MQTT.js, whose errors keep neither reason strings nor other properties.
    client.on("packetreceive", (packet) => this.#received(packet));
    client.once("connect", (connack) => this.#connected(connack));
    client.handleMessage = (packet, acknowledge) => {
      try {
        if (packet.topic === this.#commandTopic) this.#events.command(Buffer.from(packet.payload));
        acknowledge();
      } catch (error) {
        // Not durable: no PUBACK, so the broker keeps it and sends it on the next connection.
        this.#fail(reasonOf(error, this.#wasConnected));
      }
    };
  }

  #received(packet: Packet): void {
    if (packet.cmd === "connack") {
      const word = connackWord(packet);
      if (word.code !== 0) this.#blame(judgeConnack(word, this.#route.protocolVersion, this.#home));
    } else if (packet.cmd === "disconnect") {
      // Its receiver closes too [MQTT 5.0, 4.13]; MQTT.js leaves that to us.
      this.#fail(judgeDisconnect(wordOf(packet.reasonCode ?? 0, packet), this.#home));
    }
  }

  #connected(connack: IConnackPacket): void {
    this.#wasConnected = true;
    const { receiveMaximum, maximumPacketSize } = connack.properties ?? {};
    // 65,535 where the server says nothing [MQTT 5.0, 3.2.2.3.3].
    this.#quota = new SendQuota(receiveMaximum ?? 65_535);
    this.#packetBytesMax = maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.#stopWatching = watchLink(this.#socket, this.#times, systemClock, () =>
      this.#fail({ kind: "lost", detail: "no answer to a WebSocket ping" }),
    );
    this.#events.connected({
      protocolVersion: this.#route.protocolVersion,
      keepAliveSeconds: this.#client.keepalive,
    });
    this.#client.subscribe(this.#commandTopic, { qos: 1 }, (error, _granted, suback) => {
      // Without a SUBACK the connection ended first, which `closed` tells.
      if (error === null || suback === undefined) return;
      const code = Number(suback.granted[0] ?? reasonCodes.unspecified_error);
      this.#events.subscriptionRefused(sayWord("SUBACK", wordOf(code, suback)));
    });
  }

  /** Remembers why, and cuts the connection. */
  #fail(reason: CloseReason): void {
    this.#blame(reason);
    this.#client.stream.destroy();
  }

  #blame(reason: CloseReason): void {
    this.#reason ??= reason;
  }

  #unexplained(): CloseReason {
    if (this.#wasConnected) return { kind: "lost", detail: this.#closeText };
    return { kind: "unreachable", code: "closed", detail: this.#closeText ?? "the server closed the connection" };
  }

  /** A peer that never answers a close must not keep the agent from stopping. */
  async #closedOrCut(msMax: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), msMax);
    });
    const outcome = await Promise.race([this.#isClosed, late]);
    clearTimeout(timer);
    if (outcome === "late") this.#client.stream.destroy();
  }
}

function connackWord(packet: IConnackPacket): ServerWord {
  return wordOf(packet.reasonCode ?? packet.returnCode ?? 0, packet);
}

function wordOf(code: number, packet: Packet | undefined): ServerWord {
  const properties: IDisconnectPacket["properties"] =
    packet !== undefined && "properties" in packet ? packet.properties : undefined;
  // The codec makes an array of a property that a peer sent twice.
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return { code, reasonString: text(properties?.reasonString), serverReference: text(properties?.serverReference) };
}

function reasonOf(error: unknown, wasConnected: boolean): CloseReason {
  if (!(error instanceof Error)) return { kind: "lost", detail: null };
  const status = /^Unexpected server response: (\d{3})$/.exec(error.message)?.[1];
  if (status !== undefined) return { kind: "upgrade_refused", status: Number(status) };
  const { code } = error as NodeJS.ErrnoException;
  if (wasConnected) return { kind: "lost", detail: plainText(error.message) };
  return { kind: "unreachable", code: typeof code === "string" ? code : "error", detail: plainText(error.message) };
}

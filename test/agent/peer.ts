/**
 * The other end, scripted: enrolment over HTTP and MQTT over WebSocket, each able to misbehave on
 * purpose. It stores nothing and forgives nothing; tests look at what arrived.
 */
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import mqttPacket, {
  type IConnackPacket,
  type IConnectPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type Packet,
} from "mqtt-packet";
import { type WebSocket, WebSocketServer } from "ws";
import { type DeviceId, makeId, type OrgId } from "../../core/ids.ts";
import type { DeviceReply, TelemetrySample } from "../../core/telemetry.ts";

export const org: OrgId = makeId("org", 1_700_000_000_000, new Uint8Array(10).fill(1));
export const device: DeviceId = makeId("device", 1_700_000_000_000, new Uint8Array(10).fill(2));
export const token = "tok_THIS-MUST-NEVER-BE-SHOWN_0123456789";
export const prefix = `sentinel/${org}/devices/${device}`;
export const code = "demo-school-ABCDE-FGHJK-MNPQR-STVWX";

export interface EnrollAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

export interface PeerScript {
  /** False: a server that has never heard of 5.0. */
  speaks5: boolean;
  /** CONNACK's reason code; to a client of 3.1.1 its return code. */
  connack: number;
  /** Of CONNACK in 5.0. */
  connackProperties: NonNullable<IConnackPacket["properties"]>;
  /** A CONNECT at such a path is sent on to this Server Reference, "for now". */
  readonly redirects: Map<string, string>;
  withholdPubacks: boolean;
  /** PUBACK of 5.0. */
  puback: (topic: string) => { readonly reasonCode: number; readonly reasonString?: string };
  /** SUBACK's reason code; the granted QoS where it is below 0x80. */
  suback: number;
  /** WebSocket pings stay without an answer. */
  withholdPongs: boolean;
  /** HTTP status of the upgrade, "hang" to leave it without an answer, null to accept. */
  refuseUpgrade: number | "hang" | null;
  /** Answers in turn, the last one for ever; none: a good 201. */
  enroll: EnrollAnswer[];
}

export interface Arrival {
  readonly connection: number;
  readonly topic: string;
  readonly payload: string;
}

export class Peer {
  readonly script: PeerScript = {
    speaks5: true,
    connack: 0,
    connackProperties: {},
    redirects: new Map(),
    withholdPubacks: false,
    puback: () => ({ reasonCode: 0 }),
    suback: 1,
    withholdPongs: false,
    refuseUpgrade: null,
    enroll: [],
  };
  readonly enrollments: { readonly path: string; readonly body: unknown }[] = [];
  readonly connects: IConnectPacket[] = [];
  readonly subscriptions: string[] = [];
  readonly arrivals: Arrival[] = [];
  /** Command packet ids the agent acknowledged. */
  readonly pubacks: number[] = [];
  /** WebSocket upgrades asked for, by path. */
  readonly upgrades: string[] = [];
  /** WebSocket pings. */
  pings = 0;
  /** MQTT packets, PINGREQ among them. */
  packets = 0;
  /** DISCONNECT packets. */
  disconnects = 0;
  #server: http.Server | null = null;
  #sockets = new Set<Socket>();
  /** Those whose CONNECT was accepted, and their MQTT version. */
  #clients = new Map<WebSocket, number>();
  #port = 0;
  #nextPacketId = 1;
  #watchers = new Set<() => void>();
  readonly #tls: { readonly key: string; readonly cert: string } | null;

  constructor(tls: { readonly key: string; readonly cert: string } | null = null) {
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls === null ? "http" : "https"}://localhost:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens, after `stop` on the same port again. */
  async start(): Promise<this> {
    const handle: http.RequestListener = (request, response) => this.#http(request, response);
    const server = this.#tls === null ? http.createServer(handle) : https.createServer(this.#tls, handle);
    const sockets = new WebSocketServer({ noServer: true, autoPong: false });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("upgrade", (request, socket, head) => {
      this.upgrades.push(request.url ?? "");
      this.#changed();
      if (this.script.refuseUpgrade === "hang") return;
      if (this.script.refuseUpgrade !== null) {
        socket.end(`HTTP/1.1 ${this.script.refuseUpgrade} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => this.#accept(client, request.url ?? ""));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "localhost", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** An outage: cuts every connection and refuses new ones. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Cuts the present connections, without a WebSocket close. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  sendCommand(body: unknown): number {
    const messageId = this.#nextPacketId;
    this.#nextPacketId += 1;
    const payload = typeof body === "string" ? body : JSON.stringify(body);
    this.#sendAll({
      cmd: "publish",
      topic: `${prefix}/commands`,
      payload,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });
    return messageId;
  }

  /** DISCONNECT of 5.0; the connection stays open, so that the agent has to close it. */
  sendDisconnect(reasonCode: number, properties: NonNullable<IDisconnectPacket["properties"]> = {}): void {
    this.#sendAll({ cmd: "disconnect", reasonCode, properties });
  }

  /** A WebSocket close with a text, as 3.1.1 gets it. */
  close(code: number, text: string): void {
    for (const client of this.#clients.keys()) client.close(code, text);
  }

  /** How many connections are open. */
  get connected(): number {
    return this.#clients.size;
  }

  #sendAll(packet: Packet): void {
    for (const [client, version] of this.#clients) send(client, packet, version);
  }

  /** Resolves when `condition` first gives something, looked at after every event. */
  until<T>(condition: () => T | null | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = condition();
        if (found === null || found === undefined || found === false) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  samples(): TelemetrySample[] {
    return this.arrivals
      .filter(({ topic }) => topic === `${prefix}/telemetry`)
      .map(({ payload }) => JSON.parse(payload) as TelemetrySample);
  }

  /** Sample ids as the server would store them: the first copy of each. */
  storedIds(): string[] {
    return [...new Set(this.samples().map(({ id }) => id))];
  }

  replies(): DeviceReply[] {
    return this.arrivals
      .filter(({ topic }) => topic.startsWith(`${prefix}/replies/`))
      .map(({ payload }) => JSON.parse(payload) as DeviceReply);
  }

  untilReply(id: string): Promise<DeviceReply> {
    return this.until(() => this.replies().find((reply) => reply.id === id));
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }

  #http(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      this.enrollments.push({ path: request.url ?? "", body: JSON.parse(Buffer.concat(chunks).toString() || "null") });
      const mqttUrl = `${this.#tls === null ? "ws" : "wss"}://localhost:${this.#port}/mqtt/${org}`;
      const good = {
        status: 201,
        body: { org_id: org, device_id: device, token, mqtt_url: mqttUrl, topic_prefix: prefix },
      };
      const { status, headers, body }: EnrollAnswer =
        this.script.enroll[Math.min(this.enrollments.length, this.script.enroll.length) - 1] ?? good;
      response.writeHead(status, { "Content-Type": "application/json", "X-Request-Id": "req_test", ...headers });
      response.end(JSON.stringify(body));
      this.#changed();
    });
  }

  #accept(client: WebSocket, path: string): void {
    const connection = this.connects.length + 1;
    // It takes the version from CONNECT.
    const parser = mqttPacket.parser({});
    let version = 4;
    parser.on("packet", (packet) => {
      if (packet.cmd === "connect") version = packet.protocolVersion ?? 4;
      this.packets += 1;
      this.#packet(client, connection, version, packet, path);
      this.#changed();
    });
    client.on("message", (data) => parser.parse(data as Buffer));
    client.on("ping", (data) => {
      this.pings += 1;
      if (!this.script.withholdPongs) client.pong(data);
      this.#changed();
    });
    client.on("error", () => {});
    client.on("close", () => {
      this.#clients.delete(client);
      this.#changed();
    });
  }

  #packet(client: WebSocket, connection: number, version: number, packet: Packet, path: string): void {
    switch (packet.cmd) {
      case "connect":
        this.connects.push(packet);
        this.#answerConnect(client, version, path);
        return;
      case "subscribe":
        this.subscriptions.push(...packet.subscriptions.map(({ topic }) => topic));
        send(
          client,
          {
            cmd: "suback",
            messageId: packet.messageId ?? 0,
            granted: packet.subscriptions.map(() => this.script.suback),
          },
          version,
        );
        return;
      case "publish":
        this.#published(client, connection, version, packet);
        return;
      case "puback":
        this.pubacks.push(packet.messageId ?? 0);
        return;
      case "disconnect":
        this.disconnects += 1;
        return;
      case "pingreq":
        send(client, { cmd: "pingresp" }, version);
        return;
      default:
        throw new Error(`the agent sent ${packet.cmd}`);
    }
  }

  #answerConnect(client: WebSocket, version: number, path: string): void {
    const { speaks5, redirects } = this.script;
    const serverReference = redirects.get(path);
    const connack = serverReference === undefined ? this.script.connack : 0x9c;
    const connackProperties = serverReference === undefined ? this.script.connackProperties : { serverReference };
    if (version === 5 && !speaks5) {
      // [MQTT-3.1.2-2] of 3.1.1, in its own two bytes.
      send(client, { cmd: "connack", returnCode: 1, sessionPresent: false }, 4);
      client.close();
      return;
    }
    const properties = version === 5 ? { properties: connackProperties } : {};
    send(
      client,
      { cmd: "connack", returnCode: connack, reasonCode: connack, sessionPresent: false, ...properties },
      version,
    );
    if (connack === 0) this.#clients.set(client, version);
    else client.close();
  }

  #published(client: WebSocket, connection: number, version: number, packet: IPublishPacket): void {
    this.arrivals.push({ connection, topic: packet.topic, payload: packet.payload.toString() });
    if (this.script.withholdPubacks) return;
    const { reasonCode, reasonString } = this.script.puback(packet.topic);
    const properties = reasonString === undefined ? {} : { properties: { reasonString } };
    send(client, { cmd: "puback", messageId: packet.messageId ?? 0, reasonCode, ...properties }, version);
  }
}

function send(client: WebSocket, packet: Packet, version: number): void {
  client.send(mqttPacket.generate(packet, { protocolVersion: version }));
}

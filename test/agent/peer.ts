/**
 * The other end, scripted: enrolment over HTTP and MQTT over WebSocket, each able to misbehave on
 * purpose. It stores nothing and forgives nothing; tests look at what arrived.
 */
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";
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
  /** CONNACK return code. */
  connack: number;
  withholdPubacks: boolean;
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
  readonly script: PeerScript = { connack: 0, withholdPubacks: false, refuseUpgrade: null, enroll: [] };
  readonly enrollments: { readonly path: string; readonly body: unknown }[] = [];
  readonly connects: IConnectPacket[] = [];
  readonly subscriptions: string[] = [];
  readonly arrivals: Arrival[] = [];
  /** Command packet ids the agent acknowledged. */
  readonly pubacks: number[] = [];
  /** WebSocket upgrades asked for. */
  upgrades = 0;
  /** DISCONNECT packets. */
  disconnects = 0;
  #server: http.Server | null = null;
  #sockets = new Set<Socket>();
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
    const sockets = new WebSocketServer({ noServer: true });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("upgrade", (request, socket, head) => {
      this.upgrades += 1;
      this.#changed();
      if (this.script.refuseUpgrade === "hang") return;
      if (this.script.refuseUpgrade !== null) {
        socket.end(`HTTP/1.1 ${this.script.refuseUpgrade} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => this.#accept(client));
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
    for (const client of this.#clients.keys()) {
      send(client, {
        cmd: "publish",
        topic: `${prefix}/commands`,
        payload,
        qos: 1,
        messageId,
        dup: false,
        retain: false,
      });
    }
    return messageId;
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

  #accept(client: WebSocket): void {
    const connection = this.connects.length + 1;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on("packet", (packet) => {
      this.#packet(client, connection, packet);
      this.#changed();
    });
    client.on("message", (data) => parser.parse(data as Buffer));
    client.on("error", () => {});
    client.on("close", () => {
      this.#clients.delete(client);
      this.#changed();
    });
  }

  #packet(client: WebSocket, connection: number, packet: Packet): void {
    switch (packet.cmd) {
      case "connect":
        this.connects.push(packet);
        send(client, { cmd: "connack", returnCode: this.script.connack, sessionPresent: false });
        if (this.script.connack === 0) this.#clients.set(client, connection);
        else client.close();
        return;
      case "subscribe":
        this.subscriptions.push(...packet.subscriptions.map(({ topic }) => topic));
        send(client, {
          cmd: "suback",
          messageId: packet.messageId ?? 0,
          granted: packet.subscriptions.map(({ qos }) => qos),
        });
        return;
      case "publish":
        this.#published(client, connection, packet);
        return;
      case "puback":
        this.pubacks.push(packet.messageId ?? 0);
        return;
      case "disconnect":
        this.disconnects += 1;
        return;
      case "pingreq":
        send(client, { cmd: "pingresp" });
        return;
      default:
        throw new Error(`the agent sent ${packet.cmd}`);
    }
  }

  #published(client: WebSocket, connection: number, packet: IPublishPacket): void {
    this.arrivals.push({ connection, topic: packet.topic, payload: packet.payload.toString() });
    if (!this.script.withholdPubacks) send(client, { cmd: "puback", messageId: packet.messageId ?? 0 });
  }
}

function send(client: WebSocket, packet: Packet): void {
  client.send(mqttPacket.generate(packet, { protocolVersion: 4 }));
}

import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { clientFrame, FrameReader, opcodes } from "./frames.ts";
import {
  connectPacket,
  disconnectPacket,
  type Login,
  PacketReader,
  packetTypes,
  pingPacket,
  pubackPackets,
  subscribePacket,
} from "./packets.ts";
import type { Target } from "./target.ts";

/** All sockets read into the same memory: a read is handled before the next one begins. */
const readBuffer = Buffer.alloc(256 * 1024);
const answerMsMax = 30_000;
const disconnectFrame = clientFrame(disconnectPacket);
const pingFrame = clientFrame(pingPacket);

type Stage = "upgrading" | "open" | "closed";

/** A client's connection: MQTT 3.1.1 over WebSocket over a plain socket. It acknowledges what it receives at once. */
export class Connection {
  /** A PUBLISH came; its payload ends at `end`, valid during the call only. */
  onPublish: (bytes: Buffer, end: number) => void = () => undefined;
  /** A PUBACK came. */
  onPuback: (packetId: number) => void = () => undefined;
  /** The connection ended without `close`. */
  onLost: (error: Error) => void = () => undefined;

  readonly #socket: Socket;
  readonly #frames: FrameReader;
  #stage: Stage = "upgrading";
  #upgradeAnswer = "";
  /** QoS 1 messages of the present read, acknowledged together when it is done. */
  #received: number[] = [];
  /** Who waits for an answer that is no PUBLISH and no PUBACK. */
  #waiting: { readonly type: number; resolve(body: Buffer): void; reject(error: Error): void } | null = null;
  readonly #closed: Promise<void>;

  /** Connects: TCP, upgrade, CONNECT, CONNACK. @throws Error with what the broker answered instead */
  static async open(target: Target, clientId: string, login: Login): Promise<Connection> {
    const connection = new Connection(target);
    try {
      await connection.#answer(0);
      const connack = connection.#answer(packetTypes.connack);
      connection.write(clientFrame(connectPacket(clientId, login)));
      const code = (await connack)[1];
      if (code !== 0) throw new Error(`${target.name} answered CONNECT with ${code}`);
      return connection;
    } catch (error) {
      connection.#end();
      throw error;
    }
  }

  private constructor(target: Target) {
    const packets = new PacketReader((bytes, start, body, end) => this.#takePacket(bytes, start, body, end));
    this.#frames = new FrameReader({
      payload: (bytes, start, end) => packets.push(bytes, start, end),
      control: (opcode, payload) => this.#takeControl(opcode, payload),
    });
    this.#socket = connect({
      host: "127.0.0.1",
      port: target.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#takeRead(length);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.#lose(error));
    this.#closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#lose(new Error(`${target.name} closed the connection`));
        resolve();
      });
    });
    this.#socket.once("connect", () => this.#socket.write(upgradeRequest(target)));
  }

  /** Writes whole frames. The bytes must not change afterwards. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    const suback = this.#answer(packetTypes.suback);
    this.write(clientFrame(subscribePacket(1, filter, qos)));
    const code = (await suback)[2];
    if (code !== qos) throw new Error(`SUBSCRIBE was answered with ${code}`);
  }

  /** Tells the broker that its reader lives; the answer is ignored. */
  ping(): void {
    this.write(pingFrame);
  }

  /** DISCONNECT, and the socket's end. */
  async close(): Promise<void> {
    if (this.#stage === "closed") return;
    this.write(disconnectFrame);
    this.#end();
    await this.#closed;
  }

  #end(): void {
    this.#stage = "closed";
    this.#socket.end();
    // A broker that does not end its half would keep the socket.
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  #answer(type: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(new Error(`no answer within ${answerMsMax} ms`)), answerMsMax);
      const settled = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting = null;
        settle();
      };
      this.#waiting = {
        type,
        resolve: (body) => settled(() => resolve(body)),
        reject: (error) => settled(() => reject(error)),
      };
    });
  }

  #lose(error: Error): void {
    if (this.#stage === "closed") return;
    this.#stage = "closed";
    this.#socket.destroy();
    if (this.#waiting === null) this.onLost(error);
    else this.#waiting.reject(error);
  }

  #takeRead(length: number): void {
    try {
      if (this.#stage === "upgrading") this.#takeUpgrade(readBuffer.subarray(0, length));
      else if (this.#stage === "open") this.#frames.push(readBuffer, 0, length);
    } catch (error) {
      this.#lose(error as Error);
    }
    if (this.#received.length === 0 || this.#stage !== "open") return;
    this.write(clientFrame(pubackPackets(this.#received)));
    this.#received = [];
  }

  #takeUpgrade(bytes: Buffer): void {
    this.#upgradeAnswer += bytes.toString("latin1");
    const end = this.#upgradeAnswer.indexOf("\r\n\r\n");
    if (end === -1) return;
    const [status = ""] = this.#upgradeAnswer.split("\r\n");
    if (!status.startsWith("HTTP/1.1 101")) throw new Error(`the upgrade was answered with "${status}"`);
    const rest = Buffer.from(this.#upgradeAnswer.slice(end + 4), "latin1");
    this.#stage = "open";
    this.#waiting?.resolve(Buffer.alloc(0));
    this.#frames.push(rest, 0, rest.length);
  }

  #takeControl(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.write(clientFrame(payload, opcodes.pong));
    if (opcode !== opcodes.close) return;
    const code = payload.length < 2 ? "no code" : payload.readUInt16BE(0);
    throw new Error(`the broker closed the WebSocket: ${code} ${payload.subarray(2).toString()}`);
  }

  #takePacket(bytes: Buffer, start: number, body: number, end: number): void {
    const first = bytes[start] as number;
    const type = first >> 4;
    if (type === packetTypes.publish) {
      if ((first & 0x06) !== 0) {
        const id = body + 2 + (((bytes[body] as number) << 8) | (bytes[body + 1] as number));
        this.#received.push(((bytes[id] as number) << 8) | (bytes[id + 1] as number));
      }
      this.onPublish(bytes, end);
    } else if (type === packetTypes.puback) {
      this.onPuback(((bytes[body] as number) << 8) | (bytes[body + 1] as number));
    } else if (type === this.#waiting?.type) {
      this.#waiting.resolve(Buffer.from(bytes.subarray(body, end)));
    } else if (type !== packetTypes.pingresp) {
      throw new Error(`a packet of type ${type} came that nobody waits for`);
    }
  }
}

function upgradeRequest({ host, path }: Target): string {
  const key = randomBytes(16).toString("base64");
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: mqtt",
    "\r\n",
  ].join("\r\n");
}

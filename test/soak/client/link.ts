import { randomBytes } from "node:crypto";
import { connect as connectSocket, type Socket } from "node:net";
import { packetBytesMax } from "../../../core/limits.ts";
import { encodePacket } from "../../../core/mqtt/encode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type { ConnectPacket, Packet } from "../../../core/mqtt/packets.ts";
import { clientFrame, FrameReader, opcodes } from "../../bench/broker/frames.ts";

/** Where a hub listens, as an upgrade request says it. */
export interface Address {
  readonly port: number;
  /** `host:port`. */
  readonly host: string;
  readonly path: string;
}

/** @param url `ws://host:port/path` */
export function addressOf(url: string): Address {
  const { port, host, pathname } = new URL(url);
  return { port: Number(port), host, path: pathname };
}

export interface LinkEvents {
  /** The upgrade was answered by 101. */
  opened(): void;
  packet(packet: Packet): void;
  /** Once, however it ends. @param why what the other side said, or the error; never credentials */
  closed(why: string): void;
}

/** All sockets read into the same memory: a read is handled before the next one begins. */
const readBuffer = Buffer.alloc(256 * 1024);

/**
 * One connection: MQTT over WebSocket over a plain socket, of which one process can hold thousands. It
 * knows no sessions; `Session` lives over many of these.
 */
export class Link {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #frames: FrameReader;
  #packets: PacketStream | null = null;
  #level: ConnectPacket["level"] = 4;
  #upgradeAnswer: string | null = "";
  #over = false;

  constructor(address: Address, events: LinkEvents) {
    this.#events = events;
    this.#frames = new FrameReader({
      payload: (bytes, start, end) => this.#takePayload(bytes, start, end),
      control: (opcode, payload) => this.#takeControl(opcode, payload),
    });
    this.#socket = connectSocket({
      host: "127.0.0.1",
      port: address.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#takeRead(length);
          return true;
        },
      },
    });
    this.#socket.on("error", (error) => this.end(error.message));
    this.#socket.once("close", () => this.end("the connection was closed"));
    this.#socket.once("connect", () => this.#socket.write(upgradeRequest(address)));
  }

  /** Sends a packet. A CONNECT decides the level of everything after it. */
  send(packet: Packet): void {
    if (this.#over) return;
    if (packet.type === "connect") {
      this.#level = packet.level;
      this.#packets = new PacketStream({ level: packet.level, sender: "server", packetBytesMax: 2 * packetBytesMax });
    }
    this.#socket.write(clientFrame(encodePacket(packet, this.#level)));
  }

  /** Reads nothing more: what the other side sends fills the buffers on the way. */
  stopReading(): void {
    this.#socket.pause();
  }

  readOn(): void {
    this.#socket.resume();
  }

  /** Ends it without a word of MQTT. Safe to call again. */
  end(why = "ended from here"): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#events.closed(why);
  }

  #takeRead(length: number): void {
    if (this.#over) return;
    try {
      if (this.#upgradeAnswer === null) this.#frames.push(readBuffer, 0, length);
      else this.#takeUpgrade(this.#upgradeAnswer + readBuffer.toString("latin1", 0, length));
    } catch (error) {
      this.end((error as Error).message);
    }
  }

  #takeUpgrade(answer: string): void {
    this.#upgradeAnswer = answer;
    const end = answer.indexOf("\r\n\r\n");
    if (end === -1) return;
    const [status = ""] = answer.split("\r\n");
    if (!status.startsWith("HTTP/1.1 101")) {
      // As every client that is asked to stay away does, in the words that `Retry` knows.
      const seconds = /^retry-after: *(\d{1,4})\r?$/im.exec(answer)?.[1];
      const hint = seconds === undefined ? "" : `; retry after ${seconds} s`;
      throw new Error(`the upgrade was answered with "${status}"${hint}`);
    }
    this.#upgradeAnswer = null;
    this.#events.opened();
    const rest = Buffer.from(answer.slice(end + 4), "latin1");
    this.#frames.push(rest, 0, rest.length);
  }

  #takePayload(bytes: Buffer, start: number, end: number): void {
    const packets = this.#packets;
    if (packets === null) throw new Error("the server spoke before CONNECT");
    // A copy: the buffer is read into again, and packets are views of what they came in.
    packets.push(new Uint8Array(bytes.subarray(start, end)));
    for (let item = packets.next(); item.kind !== "incomplete"; item = packets.next()) {
      if (item.kind === "refused") throw new Error(`the server sent what is no packet: ${item.refusal.kind}`);
      if (this.#over) return;
      this.#events.packet(item.packet);
    }
  }

  #takeControl(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.#socket.write(clientFrame(payload, opcodes.pong));
    if (opcode !== opcodes.close) return;
    const code = payload.length < 2 ? "no code" : payload.readUInt16BE(0);
    throw new Error(`closed: ${code} ${payload.subarray(2).toString()}`);
  }
}

function upgradeRequest({ host, path }: Address): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: mqtt",
    "\r\n",
  ].join("\r\n");
}

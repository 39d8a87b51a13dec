/**
 * No broker: it hands the bytes of every PUBLISH to whoever subscribed to how its topic begins, a turn's
 * together in one frame, and checks nothing. It shows what the load generator can do when hardly
 * anything holds it up. It names its port to the one who started it.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { coalesced } from "../crowd.ts";
import { FrameReader, opcodes, serverFrame } from "../frames.ts";
import { PacketReader, packetTypes } from "../packets.ts";

/** What only clients send (section 2.2.1). */
const clientTypes = { connect: 1, subscribe: 8, pingreq: 12 } as const;

class Client {
  readonly #socket: Socket;
  #out: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(packet: Buffer): void {
    this.#out.push(packet);
    waiting.add(this);
    flush();
  }

  /** Writes what waits. @param shared the frame of the packets that another client got: most get the same */
  write(shared: Shared): Shared {
    const packets = this.#out;
    this.#out = [];
    const same =
      packets.length === shared.packets.length && packets.every((one, index) => one === shared.packets[index]);
    const use = same ? shared : { packets, frame: serverFrame(Buffer.concat(packets)) };
    this.#socket.write(use.frame);
    return use;
  }
}

interface Shared {
  readonly packets: readonly Buffer[];
  readonly frame: Buffer;
}

/** Beginnings of topics, and who wants them. */
const subscriptions = new Map<string, Set<Client>>();
const waiting = new Set<Client>();
const flush = coalesced(() => {
  let shared: Shared = { packets: [], frame: Buffer.alloc(0) };
  for (const client of waiting) shared = client.write(shared);
  waiting.clear();
});

function take(client: Client, bytes: Buffer, start: number, body: number, end: number): void {
  const first = bytes[start] as number;
  const textAt = (at: number): string => bytes.toString("latin1", at + 2, at + 2 + bytes.readUInt16BE(at));
  switch (first >> 4) {
    case clientTypes.connect:
      client.send(Buffer.from([packetTypes.connack << 4, 2, 0, 0]));
      break;
    case clientTypes.pingreq:
      client.send(Buffer.from([packetTypes.pingresp << 4, 0]));
      break;
    case clientTypes.subscribe: {
      const beginning = textAt(body + 2).replace(/#$/, "");
      const clients = subscriptions.get(beginning) ?? new Set();
      subscriptions.set(beginning, clients.add(client));
      const [high, low, qos] = [bytes[body], bytes[body + 1], bytes[end - 1]] as [number, number, number];
      client.send(Buffer.from([packetTypes.suback << 4, 3, high, low, qos]));
      break;
    }
    case packetTypes.publish: {
      const topic = textAt(body);
      const packet = Buffer.from(bytes.subarray(start, end));
      const id = body + 2 + topic.length;
      if ((first & 0x06) !== 0)
        client.send(Buffer.from([packetTypes.puback << 4, 2, bytes[id] as number, bytes[id + 1] as number]));
      for (const [beginning, clients] of subscriptions)
        if (topic.startsWith(beginning)) for (const subscriber of clients) subscriber.send(packet);
    }
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  const client = new Client(socket);
  const packets = new PacketReader((bytes, start, body, end) => take(client, bytes, start, body, end));
  const frames = new FrameReader({
    payload: (bytes, start, end) => packets.push(bytes, start, end),
    control: (opcode) => {
      if (opcode === opcodes.close) socket.end();
    },
  });
  let upgraded = false;
  let request = "";
  socket.on("data", (bytes) => {
    if (upgraded) return frames.push(bytes, 0, bytes.length);
    request += bytes.toString("latin1");
    if (!request.endsWith("\r\n\r\n")) return;
    upgraded = true;
    // Without the proof of having understood (RFC 6455 §4.2.2), which the generator does not look at.
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    waiting.delete(client);
    for (const clients of subscriptions.values()) clients.delete(client);
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
  process.send?.((server.address() as AddressInfo).port),
);
process.on("disconnect", () => process.exit(0));

import { connectTimeoutMs, packetBytesMax } from "../../../core/limits.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import type { ConnectPacket } from "../../../core/mqtt/packets.ts";

/** Bytes held back until the object is known: as many as the object itself holds back for credentials. */
const heldBytesMax = 4 * packetBytesMax;

/** RFC 6455 section 7.4.1. */
const closeCodes = { normal: 1000, noStatus: 1005, abnormal: 1006, policy: 1008, internal: 1011 } as const;

/** Opens the way on; the first packet is null when it was no CONNECT, which the object then says. */
export type OpenHub = (connect: ConnectPacket | null) => Promise<WebSocket>;

/**
 * The slow path of a split tenant: a client that says only in CONNECT who it is. The gateway reads as far
 * as that, opens a socket to the right object and from then on passes frames both ways. Every frame
 * then costs this Worker some CPU time; who comes with the `device` hint of his URL, or with a bearer
 * token in the upgrade, is spared that.
 *
 * @returns the client's end
 */
export function relaySocket(openHub: OpenHub): WebSocket {
  // biome-ignore lint/correctness/noUndeclaredVariables: a global of the Workers runtime
  const [client, socket] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  socket.binaryType = "arraybuffer";
  socket.accept();
  new SocketRelay(socket, openHub);
  return client;
}

type Frame = string | ArrayBuffer;

class SocketRelay {
  private readonly client: WebSocket;
  private readonly openHub: OpenHub;
  private readonly stream = new PacketStream({ level: null, sender: "client", packetBytesMax });
  /** Null once the object has them. */
  private held: Frame[] | null = [];
  private heldBytes = 0;
  private opening = false;
  private hub: WebSocket | null = null;
  private isOver = false;
  private readonly timer: ReturnType<typeof setTimeout>;

  constructor(client: WebSocket, openHub: OpenHub) {
    this.client = client;
    this.openHub = openHub;
    this.timer = setTimeout(() => this.end(closeCodes.policy, "no CONNECT within 10 s"), connectTimeoutMs);
    client.addEventListener("message", ({ data }) => this.fromClient(data as Frame));
    client.addEventListener("close", ({ code, reason }) => this.end(code, reason));
    client.addEventListener("error", () => this.end(closeCodes.abnormal, ""));
  }

  private fromClient(frame: Frame): void {
    if (this.isOver) return;
    if (this.held === null) {
      this.hub?.send(frame);
      return;
    }
    this.held.push(frame);
    this.heldBytes += typeof frame === "string" ? frame.length : frame.byteLength;
    if (this.heldBytes > heldBytesMax) {
      this.end(closeCodes.policy, `at most ${heldBytesMax} bytes before CONNACK`);
      return;
    }
    if (this.opening) return;
    if (typeof frame === "string") {
      void this.open(null);
      return;
    }
    this.stream.push(new Uint8Array(frame));
    const item = this.stream.next();
    if (item.kind === "incomplete") return;
    void this.open(item.kind === "packet" && item.packet.type === "connect" ? item.packet : null);
  }

  private async open(connect: ConnectPacket | null): Promise<void> {
    this.opening = true;
    try {
      const hub = await this.openHub(connect);
      if (this.isOver) {
        hub.accept();
        hub.close(closeCodes.normal, "the client has left");
        return;
      }
      this.join(hub);
    } catch {
      this.end(closeCodes.internal, "the hub could not be reached; try again");
    }
  }

  private join(hub: WebSocket): void {
    clearTimeout(this.timer);
    hub.binaryType = "arraybuffer";
    hub.addEventListener("message", ({ data }) => {
      if (!this.isOver) this.client.send(data as Frame);
    });
    hub.addEventListener("close", ({ code, reason }) => this.end(code, reason));
    hub.addEventListener("error", () => this.end(closeCodes.internal, "the hub went away"));
    hub.accept();
    this.hub = hub;
    for (const frame of this.held ?? []) hub.send(frame);
    this.held = null;
  }

  private end(code: number, reason: string): void {
    clearTimeout(this.timer);
    if (this.isOver) return;
    this.isOver = true;
    close(this.client, code, reason);
    if (this.hub !== null) close(this.hub, code, reason);
  }
}

/** Codes that say "there was none" can't be sent (RFC 6455 section 7.4.1). */
function close(socket: WebSocket, code: number, reason: string): void {
  try {
    if (code === closeCodes.noStatus) socket.close();
    else socket.close(code === closeCodes.abnormal ? closeCodes.internal : code, reason);
  } catch {
    // Closed from the other side already.
  }
}

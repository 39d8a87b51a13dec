/**
 * The least that an object can do for the same sockets: a Worker in front, a named entrypoint, one object
 * that hands the bytes of every PUBLISH to whoever subscribed to how its topic begins. Nobody is
 * authenticated, nothing is checked, stored, counted or kept for later. What this takes, the runtime takes.
 */
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

const types = { connect: 1, connack: 2, publish: 3, puback: 4, subscribe: 8, suback: 9, pingreq: 12, pingresp: 13 };
const text = new TextDecoder();

export class Relay extends DurableObject {
  /** Beginnings of topics, and who wants them. */
  subscriptions = new Map();
  /** Packets of this turn, by socket. */
  out = new Map();

  constructor(ctx, env) {
    super(ctx, env);
    // Who subscribed is kept in memory alone, so the object must stay.
    setInterval(() => undefined, 60_000);
  }

  fetch() {
    const [client, server] = Object.values(new globalThis.WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, message) {
    this.read(socket, message);
    this.flush();
  }

  read(socket, message) {
    const bytes = new Uint8Array(message);
    for (let at = 0; at < bytes.length; ) at = this.take(socket, bytes, at);
  }

  flush() {
    const { out } = this;
    this.out = new Map();
    for (const [to, packets] of out) to.send(joined(packets));
  }

  webSocketClose(socket) {
    for (const sockets of this.subscriptions.values()) sockets.delete(socket);
  }

  /** @returns where the next packet begins */
  take(socket, bytes, start) {
    let [length, at, shift] = [0, start + 1, 0];
    for (let more = true; more; shift += 7, at += 1) {
      length |= (bytes[at] & 0x7f) << shift;
      more = bytes[at] >= 0x80;
    }
    const end = at + length;
    const stringAt = (from) => text.decode(bytes.subarray(from + 2, from + 2 + ((bytes[from] << 8) | bytes[from + 1])));
    switch (bytes[start] >> 4) {
      case types.connect:
        this.send(socket, Uint8Array.of(types.connack << 4, 2, 0, 0));
        break;
      case types.pingreq:
        this.send(socket, Uint8Array.of(types.pingresp << 4, 0));
        break;
      case types.subscribe: {
        const beginning = stringAt(at + 2).replace(/#$/, "");
        const sockets = this.subscriptions.get(beginning) ?? new Set();
        this.subscriptions.set(beginning, sockets.add(socket));
        this.send(socket, Uint8Array.of(types.suback << 4, 3, bytes[at], bytes[at + 1], bytes[end - 1]));
        break;
      }
      case types.publish: {
        const topic = stringAt(at);
        const packet = bytes.subarray(start, end);
        const id = at + 2 + topic.length;
        if ((bytes[start] & 0x06) !== 0)
          this.send(socket, Uint8Array.of(types.puback << 4, 2, bytes[id], bytes[id + 1]));
        for (const [beginning, sockets] of this.subscriptions)
          if (topic.startsWith(beginning)) for (const subscriber of sockets) this.send(subscriber, packet);
      }
    }
    return end;
  }

  send(socket, packet) {
    const packets = this.out.get(socket);
    if (packets === undefined) this.out.set(socket, [packet]);
    else packets.push(packet);
  }
}

/** The same, but what comes within a millisecond, the shortest timer there is, leaves together: a frame a socket. */
export class BatchingRelay extends Relay {
  pending = false;

  webSocketMessage(socket, message) {
    this.read(socket, message);
    if (this.pending) return;
    this.pending = true;
    setTimeout(() => {
      this.pending = false;
      this.flush();
    }, 1);
  }
}

function joined(packets) {
  if (packets.length === 1) return packets[0];
  const bytes = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const packet of packets) {
    bytes.set(packet, at);
    at += packet.length;
  }
  return bytes;
}

export class Gateway extends WorkerEntrypoint {
  fetch(request) {
    return this.env.RELAY.getByName("one").fetch(request);
  }
}

export default {
  // With nothing before it, the object's own Worker answers.
  fetch: (request, { GATEWAY, RELAY }) => (GATEWAY ?? RELAY.getByName("one")).fetch(request),
};

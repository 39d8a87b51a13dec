import type { LiveSocket } from "./live-socket.ts";

/**
 * A packet that is not whole after so long is kept in storage, in milliseconds. MQTT.js sends a packet
 * in half a dozen frames, whole within one: kept at once, each of them would cost a disk flush. Whoever
 * drips is written ever less often.
 */
const keepDelayMsMin = 20;
const keepDelayMsMax = 1000;

export interface PartialKeeperDependencies {
  /** Replaces what is stored of a socket's unfinished packet. */
  readonly put: (socket: string, bytes: Uint8Array) => void;
  readonly remove: (socket: string) => void;
  /** False for a socket that nobody stands behind yet: a stranger must not be able to make us write. */
  readonly isKnown: (live: LiveSocket) => boolean;
}

/**
 * Keeps the bytes of packets that are not whole, so that an eviction loses none. A pending timer keeps
 * the object from being evicted, so nothing can be lost before it. A CONNECT that an eviction cuts is
 * sent again.
 */
export class PartialKeeper {
  private readonly deps: PartialKeeperDependencies;
  private readonly waiting = new Set<LiveSocket>();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(deps: PartialKeeperDependencies) {
    this.deps = deps;
  }

  /** Bytes came, or a packet was taken out. */
  changed(live: LiveSocket): void {
    if (live.stream.pendingBytes === 0 && live.keptBytes === 0) {
      if (live.keepDelayMs > 0) this.forget(live);
      return;
    }
    live.keepDelayMs = Math.min(keepDelayMsMax, Math.max(keepDelayMsMin, live.keepDelayMs * 2));
    this.waiting.add(live);
    this.timer ??= setTimeout(() => this.keep(), live.keepDelayMs);
  }

  /** The socket is gone. */
  gone(live: LiveSocket): void {
    this.forget(live);
    if (live.keptBytes > 0) this.deps.remove(live.id);
    live.keptBytes = 0;
  }

  private forget(live: LiveSocket): void {
    this.waiting.delete(live);
    live.keepDelayMs = 0;
  }

  private keep(): void {
    this.timer = null;
    const sockets = [...this.waiting];
    this.waiting.clear();
    for (const live of sockets) {
      const bytes = live.stream.pendingBytes;
      if (bytes > 0 && this.deps.isKnown(live)) this.deps.put(live.id, live.stream.pending());
      else if (live.keptBytes > 0) this.deps.remove(live.id);
      live.keptBytes = bytes > 0 && this.deps.isKnown(live) ? bytes : 0;
    }
  }
}

import { connectTimeoutMs } from "../../../core/limits.ts";
import type { Close } from "./events.ts";
import type { BrokerState, Socket } from "./state.ts";

export interface Deadline {
  readonly atMs: number;
  readonly close: Close;
}

/** When this socket ends if nothing else happens; null for never. */
export function deadlineOf(socket: Socket): Deadline | null {
  if (socket.phase !== "connected") {
    return { atMs: socket.acceptedAtMs + connectTimeoutMs, close: { code: 1008, reason: "no CONNECT within 10 s" } };
  }
  const deadlines: Deadline[] = [];
  if (socket.keepAliveSeconds > 0) {
    // One and a half times the keep-alive, exactly [MQTT-3.1.2-24].
    const atMs = socket.lastSeenMs + socket.keepAliveSeconds * 1500;
    deadlines.push({ atMs, close: { code: 1008, reason: "nothing heard for 1.5 times the keep-alive" } });
  }
  if (socket.expiresAtMs !== null) {
    deadlines.push({
      atMs: socket.expiresAtMs,
      close: { code: 1008, reason: "the access token ended; connect again" },
    });
  }
  return deadlines.sort((a, b) => a.atMs - b.atMs)[0] ?? null;
}

/** The earliest deadline of all sockets, or null. */
export function nextDeadlineMs(state: BrokerState): number | null {
  let next: number | null = null;
  for (const socket of state.sockets.values()) {
    const atMs = deadlineOf(socket)?.atMs ?? null;
    if (atMs !== null && (next === null || atMs < next)) next = atMs;
  }
  return next;
}

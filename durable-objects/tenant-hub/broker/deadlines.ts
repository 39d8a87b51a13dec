import { connectTimeoutMs } from "../../../core/limits.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { refusal, tryLater } from "./closes.ts";
import type { Close } from "./events.ts";
import { type Session, type Socket, sessionEndMs } from "./session.ts";
import type { BrokerState } from "./state.ts";

export interface Deadline {
  readonly atMs: number;
  readonly close: Close;
}

const silent: Close = { code: 1008, reason: "no CONNECT within 10 s", reasonCode: null, told: false };
const keepAliveOver = refusal("nothing heard for 1.5 times the keep-alive", reasonCodes.keep_alive_timeout);
const dayFull = tryLater("quota_exceeded: messages_a_day; connect again", reasonCodes.quota_exceeded);
const tokenOver = refusal("the access token ended; connect again", reasonCodes.maximum_connect_time);

/** When this socket ends if nothing else happens; null for never. */
export function deadlineOf(socket: Socket): Deadline | null {
  if (socket.phase !== "connected") return { atMs: socket.acceptedAtMs + connectTimeoutMs, close: silent };
  const keepAliveMs = keepAliveEndMs(socket);
  const tokenMs = socket.expiresAtMs;
  const heldMs = socket.heldUntilMs;
  // A device has no token that ends, and a user publishes nothing that counts: at most one of the two is set.
  if (heldMs !== null && (keepAliveMs === null || heldMs <= keepAliveMs)) return { atMs: heldMs, close: dayFull };
  if (tokenMs !== null && (keepAliveMs === null || tokenMs <= keepAliveMs)) return { atMs: tokenMs, close: tokenOver };
  return keepAliveMs === null ? null : { atMs: keepAliveMs, close: keepAliveOver };
}

/** One and a half times the keep-alive, exactly [MQTT-3.1.2-22]. */
function keepAliveEndMs(socket: Socket): number | null {
  return socket.keepAliveSeconds === 0 ? null : socket.lastSeenMs + socket.keepAliveSeconds * 1500;
}

/** When a session without a connection has something to do: its will's delay, or its own end; null for never. */
export function sessionDeadlineMs(session: Session): number | null {
  const endMs = sessionEndMs(session);
  const { willDueAtMs } = session;
  if (willDueAtMs === null) return endMs;
  return endMs === null || willDueAtMs < endMs ? willDueAtMs : endMs;
}

/** The earliest deadline of all sockets and sessions, or null. */
export function nextDeadlineMs(state: BrokerState): number | null {
  let next = Number.POSITIVE_INFINITY;
  for (const socket of state.sockets.values()) {
    const atMs = deadlineOf(socket)?.atMs;
    if (atMs !== undefined && atMs < next) next = atMs;
  }
  for (const session of state.sessions.values()) {
    const atMs = sessionDeadlineMs(session);
    if (atMs !== null && atMs < next) next = atMs;
  }
  return next === Number.POSITIVE_INFINITY ? null : next;
}

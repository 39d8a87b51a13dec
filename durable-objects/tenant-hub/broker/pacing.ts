import type { AckPacket, PublishPacket } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { refusal } from "./closes.ts";
import type { Close, Effect } from "./events.ts";
import { asFits } from "./lifecycle.ts";
import type { RateVerdict } from "./rates.ts";
import { principalId, type Session, type Socket } from "./session.ts";
import type { BrokerState } from "./state.ts";

/**
 * Slowing down, then the end. In debt, what a client publishes is taken and its acknowledgement waits until the
 * debt is paid: whoever heeds Receive Maximum, or keeps few messages open, stops by himself and loses nothing.
 * QoS 0, which nothing acknowledges, is dropped. Past the debt the connection ends with a code that says so.
 */
function tooFast({ bound, pace }: RateVerdict & { readonly kind: "over" }): Close {
  const { perSecond, burst } = pace;
  return refusal(`at most ${perSecond} ${bound} a second, ${burst} at once`, reasonCodes.message_rate_too_high);
}

/**
 * Counts a packet for its principal and its organisation.
 * @param publish null for a packet that carries no message
 * @returns how long its acknowledgement has to wait, in milliseconds, or why the connection ends
 */
export function pace(
  state: BrokerState,
  socket: Socket,
  session: Session,
  publish: PublishPacket | null,
  now: number,
): number | Close {
  socket.rate ??= state.rates.of(principalId(session.principal), now);
  const bytes = publish === null ? 0 : (publish.wire?.bytes.length ?? publish.payload.length);
  const verdict = state.rates.take(socket.rate, bytes, now);
  if (verdict.kind === "within") return 0;
  return verdict.kind === "later" ? verdict.waitMs : tooFast(verdict);
}

/** Sends an acknowledgement, or keeps it for later; never before one that was kept, because they have an order [MQTT-4.6.0-2]. */
export function sendPaced(
  state: BrokerState,
  socket: Socket,
  ack: AckPacket,
  waitMs: number,
  now: number,
  effects: Effect[],
): void {
  const { withheld } = socket;
  const packet = asFits(socket, ack);
  if (waitMs === 0 && withheld.length === 0) {
    effects.push({ kind: "send", socket, packet });
    return;
  }
  const dueMs = Math.max(now + waitMs, withheld.at(-1)?.dueMs ?? 0);
  withheld.push({ packet, dueMs });
  if (withheld.length > 1) return;
  state.paced.add(socket);
  effects.push({ kind: "save_socket", socket }, { kind: "wake", atMs: dueMs });
}

/** Sends what has waited long enough, and asks to be woken for the rest. */
export function sendDue(state: BrokerState, now: number, effects: Effect[]): void {
  let next = Number.POSITIVE_INFINITY;
  for (const socket of state.paced) {
    const { withheld } = socket;
    let due = 0;
    while (due < withheld.length && (withheld[due]?.dueMs ?? now) <= now) due += 1;
    for (const { packet } of withheld.splice(0, due)) effects.push({ kind: "send", socket, packet });
    const [first] = withheld;
    if (first !== undefined) {
      next = Math.min(next, first.dueMs);
      continue;
    }
    state.paced.delete(socket);
    effects.push({ kind: "save_socket", socket });
  }
  if (next !== Number.POSITIVE_INFINITY) effects.push({ kind: "wake", atMs: next });
}

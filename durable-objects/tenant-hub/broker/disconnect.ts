import type { DisconnectPacket } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { goodbye, protocolError } from "./closes.ts";
import type { Close, Effect } from "./events.ts";
import { dropSocket } from "./lifecycle.ts";
import type { Session, Socket } from "./session.ts";
import type { BrokerState } from "./state.ts";

/**
 * The client's goodbye: the will is discarded, unless it asks for it or leaves for a reason of its own
 * [MQTT-3.14.4-3]. It may change how long the session lives, but not give life to one that had none [MQTT-3.14.2-3].
 * @returns why the connection ends otherwise
 */
export function disconnect(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: DisconnectPacket,
  now: number,
  effects: Effect[],
): Close | null {
  const expirySeconds = packet.properties?.sessionExpiryInterval;
  if (expirySeconds !== undefined) {
    if (session.expirySeconds === 0 && expirySeconds !== 0)
      return protocolError("Session Expiry Interval was 0 in CONNECT (section 3.14.2.2.2)");
    session.expirySeconds = expirySeconds;
  }
  const graceful = packet.reasonCode === reasonCodes.success;
  dropSocket(state, socket, now, { graceful, close: goodbye, presence: true }, effects);
  return null;
}

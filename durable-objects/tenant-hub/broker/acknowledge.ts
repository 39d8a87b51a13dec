import type { AckPacket } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { protocolError } from "./closes.ts";
import { forget, pump } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import type { Session, Socket } from "./session.ts";
import type { BrokerState } from "./state.ts";

/** What a client may answer a PUBLISH with: PUBACK at QoS 1; PUBREC, then PUBCOMP to our PUBREL, at QoS 2. */
export type Acknowledgement = Omit<AckPacket, "type"> & { readonly type: "puback" | "pubrec" | "pubcomp" };

/**
 * Takes one step of a delivery to a client (sections 4.3.2 and 4.3.3). Each step is stored before its
 * answer leaves, so an eviction between any two packets forgets none.
 * @returns why the connection ends: an acknowledgement that belongs to another QoS or comes before its
 *   time [MQTT-4.13.1-1]; null when all is well
 */
export function acknowledge(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: Acknowledgement,
  effects: Effect[],
): Close | null {
  const { packetId } = packet;
  const flying = session.inflight.get(packetId);
  switch (packet.type) {
    case "puback":
      if (flying?.qos === 2 || session.released.has(packetId))
        return unfit("a PUBACK answers QoS 1, this message has QoS 2");
      // An unknown id was acknowledged before, and that was enough. A refusal ends the exchange as well.
      if (flying === undefined) return null;
      forget(session, packetId, effects);
      pump(session, effects);
      return null;
    case "pubrec":
      if (flying?.qos === 1) return unfit("a PUBREC answers QoS 2, this message has QoS 1");
      if (packet.reasonCode >= reasonCodes.unspecified_error) {
        // The client refuses the message: the exchange is over, no PUBREL [MQTT-4.3.3-4].
        forget(session, packetId, effects);
        pump(session, effects);
        return null;
      }
      if (flying !== undefined) holdRelease(state, session, packetId, effects);
      // A PUBREC that is known already, or an id we no longer know: PUBREL lets the client finish.
      effects.push({
        kind: "send",
        socket,
        packet: { type: "pubrel", packetId, reasonCode: reasonCodes.success, properties: null },
      });
      return null;
    case "pubcomp":
      if (flying !== undefined) return unfit("a PUBCOMP answers a PUBREL, and none was sent for this message");
      if (!session.released.delete(packetId)) return null;
      effects.push({ kind: "write", write: { kind: "delete_release", key: session.key, packetId } });
      pump(session, effects);
      return null;
  }
}

/** The client has the message: forget it, keep its id until the PUBCOMP. Both are one transaction. */
function holdRelease(state: BrokerState, session: Session, packetId: number, effects: Effect[]): void {
  forget(session, packetId, effects);
  session.released.add(packetId);
  effects.push({ kind: "write", write: { kind: "put_release", key: session.key, packetId, seq: state.nextSeq++ } });
}

function unfit(text: string): Close {
  return protocolError(`${text} [MQTT-4.13.1-1]`);
}

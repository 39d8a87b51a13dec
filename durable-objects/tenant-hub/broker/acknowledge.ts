import { pump } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import type { BrokerState, Session, SocketId } from "./state.ts";

/** What a client may answer a PUBLISH with: PUBACK at QoS 1; PUBREC, then PUBCOMP to our PUBREL, at QoS 2. */
export type Acknowledgement = "puback" | "pubrec" | "pubcomp";

/**
 * Takes one step of a delivery to a client (sections 4.3.2 and 4.3.3). Each step is stored before its
 * answer leaves, so an eviction between any two packets forgets none.
 * @returns why the connection ends: an acknowledgement that belongs to another QoS or comes before its
 *   time [MQTT-4.8.0-1]; null when all is well
 */
export function acknowledge(
  state: BrokerState,
  socket: SocketId,
  session: Session,
  type: Acknowledgement,
  packetId: number,
  effects: Effect[],
): Close | null {
  const flying = session.inflight.get(packetId);
  const released = session.released.has(packetId);
  switch (type) {
    case "puback":
      if (released || flying?.qos === 2) return unfit("a PUBACK answers QoS 1, this message has QoS 2");
      // An unknown id was acknowledged before, and that was enough.
      if (flying === undefined) return null;
      session.inflight.delete(packetId);
      effects.push({ kind: "write", write: { kind: "delete_message", key: session.key, seq: flying.seq } });
      pump(session, effects);
      return null;
    case "pubrec":
      if (flying?.qos === 1) return unfit("a PUBREC answers QoS 2, this message has QoS 1");
      if (flying !== undefined) holdRelease(state, session, packetId, flying.seq, effects);
      // A PUBREC that is known already, or an id we no longer know: PUBREL lets the client finish [MQTT-4.3.3-1].
      effects.push({ kind: "send", socket, packet: { type: "pubrel", packetId } });
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
function holdRelease(state: BrokerState, session: Session, packetId: number, seq: number, effects: Effect[]): void {
  session.inflight.delete(packetId);
  session.released.add(packetId);
  effects.push(
    { kind: "write", write: { kind: "delete_message", key: session.key, seq } },
    { kind: "write", write: { kind: "put_release", key: session.key, packetId, seq: state.nextSeq++ } },
  );
}

function unfit(text: string): Close {
  return { code: 1002, reason: `${text} [MQTT-4.8.0-1]` };
}

import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { type DeviceTopic, parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName, type TopicName } from "../../../core/topics/topic-name.ts";
import { route } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import { ingestRecord } from "./ingest.ts";
import { appendOutbox, dropSocket } from "./lifecycle.ts";
import { outboxBytesMax, receivedMax, retainedTopicsMax } from "./limits.ts";
import { hasRoom, retain } from "./retained.ts";
import { mayPublish } from "./rights.ts";
import type { BrokerState, Session, Socket } from "./state.ts";

/** A PUBLISH that passed; what the checks found out travels with it. */
interface Accepted {
  readonly topic: TopicName;
  readonly parsed: DeviceTopic;
  readonly record: IngestRecord | null;
}

/** Why a PUBLISH is not taken. 3.1.1 has no negative PUBACK, so each closes the connection (section 3.3.5). */
const closes = {
  topic_name: { code: 1002, reason: "malformed topic name [MQTT-3.3.2-2]" },
  not_allowed: { code: 1008, reason: "publishing to this topic is not allowed" },
  retained: { code: 1008, reason: `a device retains at most ${retainedTopicsMax} topics` },
  received_full: { code: 1008, reason: `at most ${receivedMax} QoS 2 messages may wait for their PUBREL` },
  outbox_full: { code: 1013, reason: "history is full for now; keep the message and try later" },
} as const satisfies Record<string, Close>;

/**
 * One PUBLISH from a client: judged, then stored, then acknowledged. The writes stand before the PUBACK
 * or PUBREC in the effects and are durable before it leaves; a crash before that makes the client send
 * it again.
 *
 * QoS 2 is method B of section 4.3.3: the message goes onward at PUBLISH, in the transaction that stores
 * its packet id, and until the PUBREL that id marks whatever comes under it as a duplicate. Method A,
 * onward at PUBREL, would store each message twice and let the order of the PUBRELs decide the order of
 * the messages; both deliver once.
 */
export function publish(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: PublishPacket,
  now: number,
  effects: Effect[],
): void {
  const judged = judge(state, session, packet, now);
  const { packetId } = packet;
  if (judged.kind === "duplicate") {
    effects.push({ kind: "send", socket: socket.id, packet: { type: "pubrec", packetId: judged.packetId } });
    return;
  }
  if (judged.kind === "refused") {
    // QoS 0 telemetry over the bound is dropped, as QoS 0 may be; the connection stays.
    if (judged.why === "outbox_full" && packet.qos === 0) return;
    const close = closes[judged.why];
    dropSocket(state, socket, now, { graceful: false, close, presence: true }, effects);
    return;
  }
  const { topic, parsed, record } = judged.accepted;
  const message = { topic, payload: packet.payload, qos: packet.qos, retain: packet.retain };
  if (packet.qos === 2 && packetId !== null) {
    session.received.add(packetId);
    effects.push({ kind: "write", write: { kind: "put_received", key: session.key, packetId } });
  }
  if (packet.retain) retain(state, parsed.device, message, effects);
  if (record !== null) appendOutbox(state, record, effects);
  route(state, message, effects);
  if (packetId !== null) {
    const type = packet.qos === 2 ? "pubrec" : "puback";
    effects.push({ kind: "send", socket: socket.id, packet: { type, packetId } });
  }
}

/**
 * A PUBREL: the id is free again, then PUBCOMP. An unknown id was freed before and its PUBCOMP lost, so
 * it is answered all the same [MQTT-4.3.3-2].
 */
export function release(socket: Socket, session: Session, packetId: number, effects: Effect[]): void {
  if (session.received.delete(packetId))
    effects.push({ kind: "write", write: { kind: "delete_received", key: session.key, packetId } });
  effects.push({ kind: "send", socket: socket.id, packet: { type: "pubcomp", packetId } });
}

type Judgement =
  | { readonly kind: "accepted"; readonly accepted: Accepted }
  /** A QoS 2 message that went onward already; its rights were judged then. */
  | { readonly kind: "duplicate"; readonly packetId: number }
  | { readonly kind: "refused"; readonly why: keyof typeof closes };

function judge(state: BrokerState, session: Session, packet: PublishPacket, now: number): Judgement {
  const { packetId, qos } = packet;
  const topic = parseTopicName(packet.topic);
  if (topic === null) return { kind: "refused", why: "topic_name" };
  // The id alone decides, with or without DUP (section 4.3.3).
  if (qos === 2 && packetId !== null && session.received.has(packetId)) return { kind: "duplicate", packetId };
  const parsed = parseDeviceTopic(topic);
  if (parsed === null || !mayPublish(state, session.principal, parsed)) return { kind: "refused", why: "not_allowed" };
  if (packet.retain && packet.payload.length > 0 && !hasRoom(state, parsed.device, topic))
    return { kind: "refused", why: "retained" };
  const record = session.principal.kind === "device" ? ingestRecord(parsed, packet.payload, now) : null;
  if (record !== null && state.outboxBytes >= outboxBytesMax) return { kind: "refused", why: "outbox_full" };
  if (qos === 2 && session.received.size >= receivedMax) return { kind: "refused", why: "received_full" };
  return { kind: "accepted", accepted: { topic, parsed, record } };
}

import type { PublishPacket } from "../../../core/mqtt/packets.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { type DeviceTopic, parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName, type TopicName } from "../../../core/topics/topic-name.ts";
import { route } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import { ingestRecord } from "./ingest.ts";
import { appendOutbox, dropSocket } from "./lifecycle.ts";
import { outboxBytesMax, retainedTopicsMax } from "./limits.ts";
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
  qos_2: { code: 1008, reason: "QoS 2 is not served; publish at QoS 0 or 1" },
  topic_name: { code: 1002, reason: "malformed topic name [MQTT-3.3.2-2]" },
  not_allowed: { code: 1008, reason: "publishing to this topic is not allowed" },
  retained: { code: 1008, reason: `a device retains at most ${retainedTopicsMax} topics` },
  outbox_full: { code: 1013, reason: "history is full for now; keep the message and try later" },
} as const satisfies Record<string, Close>;

/**
 * One PUBLISH from a client: judged, then stored, then acknowledged. The writes stand before the PUBACK
 * in the effects and are durable before it leaves; a crash before that makes the client send it again.
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
  if (judged.kind === "refused") {
    // QoS 0 telemetry over the bound is dropped, as QoS 0 may be; the connection stays.
    if (judged.why === "outbox_full" && packet.qos === 0) return;
    const close = closes[judged.why];
    dropSocket(state, socket, now, { graceful: false, close, presence: true }, effects);
    return;
  }
  const { topic, parsed, record } = judged.accepted;
  const message = { topic, payload: packet.payload, qos: packet.qos === 0 ? 0 : 1, retain: packet.retain } as const;
  if (packet.retain) retain(state, parsed.device, message, effects);
  if (record !== null) appendOutbox(state, record, effects);
  route(state, message, effects);
  if (packet.packetId !== null) {
    effects.push({ kind: "send", socket: socket.id, packet: { type: "puback", packetId: packet.packetId } });
  }
}

function judge(
  state: BrokerState,
  session: Session,
  packet: PublishPacket,
  now: number,
): { kind: "accepted"; accepted: Accepted } | { kind: "refused"; why: keyof typeof closes } {
  if (packet.qos === 2) return { kind: "refused", why: "qos_2" };
  const topic = parseTopicName(packet.topic);
  if (topic === null) return { kind: "refused", why: "topic_name" };
  const parsed = parseDeviceTopic(topic);
  if (parsed === null || !mayPublish(state, session.principal, parsed)) return { kind: "refused", why: "not_allowed" };
  if (packet.retain && packet.payload.length > 0 && !hasRoom(state, parsed.device, topic))
    return { kind: "refused", why: "retained" };
  const record = session.principal.kind === "device" ? ingestRecord(parsed, packet.payload, now) : null;
  if (record !== null && state.outboxBytes >= outboxBytesMax) return { kind: "refused", why: "outbox_full" };
  return { kind: "accepted", accepted: { topic, parsed, record } };
}

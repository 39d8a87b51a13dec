import type { AckPacket, PublishPacket } from "../../../core/mqtt/packets.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { protocolError, refusal, tryLater } from "./closes.ts";
import { route } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import { ingestRecord } from "./ingest.ts";
import { appendOutbox, dropSocket } from "./lifecycle.ts";
import {
  aliasCharactersMax,
  dayFullHoldMs,
  outboxBytesMax,
  receivedMax,
  receiveMaximum,
  retainedTopicsMax,
  topicAliasMaximum,
} from "./limits.ts";
import { expiryOf, messageBytes, travelling } from "./message.ts";
import { sendPaced } from "./pacing.ts";
import { forgetExpired, hasRoom, retain } from "./retained.ts";
import { mayAnswerTo, mayPublish } from "./rights.ts";
import type { Route } from "./routes.ts";
import type { Message, Session, Socket } from "./session.ts";
import type { BrokerState } from "./state.ts";

/**
 * Why a PUBLISH is not taken. 5.0 is told in PUBACK or PUBREC and stays connected; at QoS 0 there is
 * nothing to tell it with, and the message is dropped. 3.1.1 has no negative PUBACK, so the connection ends
 * (section 3.3.5).
 */
const refusals = {
  not_allowed: refusal("publishing to this topic is not allowed", reasonCodes.not_authorized),
  response_topic: refusal("this response topic is not allowed", reasonCodes.not_authorized),
  retained: refusal(`a device retains at most ${retainedTopicsMax} topics`, reasonCodes.quota_exceeded),
  outbox_full: tryLater("history is full for now; keep the message and try later", reasonCodes.quota_exceeded),
} as const satisfies Record<string, Close>;

/** What ends the connection in every version. */
const violations = {
  topic_name: protocolError("malformed topic name [MQTT-3.3.2-2]", reasonCodes.malformed_packet),
  received_full: refusal(
    "more QoS 2 messages than Receive Maximum wait for PUBREL",
    reasonCodes.receive_maximum_exceeded,
  ),
  alias_invalid: protocolError(
    `topic aliases go from 1 to ${topicAliasMaximum} [MQTT-3.3.2-9]`,
    reasonCodes.topic_alias_invalid,
  ),
  alias_unknown: protocolError("this topic alias was not set on this connection (section 3.3.2.3.4)"),
  alias_space: refusal(
    `topics with an alias have at most ${aliasCharactersMax} characters together`,
    reasonCodes.quota_exceeded,
  ),
} as const satisfies Record<string, Close>;

/** What the connection ends with, or the topic's text. */
type Resolved = { readonly topic: string } | { readonly violation: keyof typeof violations };

/**
 * One PUBLISH from a client: judged, then stored, then acknowledged. The writes stand before the PUBACK
 * or PUBREC in the effects and are durable before it leaves; a crash before that makes the client send
 * it again.
 *
 * QoS 2 is method B of section 4.3.3: the message goes onward at PUBLISH, in the transaction that stores
 * its packet id, and until the PUBREL that id marks whatever comes under it as a duplicate. Method A,
 * onward at PUBREL, would store each message twice and let the order of the PUBRELs decide the order of
 * the messages; both deliver once.
 * @param waitMs how long the acknowledgement waits (pacing.ts); what has none is dropped then, its alias is not
 */
export function publish(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: PublishPacket,
  waitMs: number,
  now: number,
  effects: Effect[],
): void {
  const { packetId, qos, properties } = packet;
  const resolved = properties?.topicAlias === undefined ? packet : resolveAlias(socket, packet, effects);
  if ("violation" in resolved) {
    end(state, socket, violations[resolved.violation], now, effects);
    return;
  }
  const found = state.routes.get(resolved.topic);
  if (found === null) {
    end(state, socket, violations.topic_name, now, effects);
    return;
  }
  if (qos === 0 && waitMs > 0) return;
  const acknowledge: Acknowledge = (reasonCode, reason) => {
    const ack = acknowledgementOf(socket, packet, reasonCode, reason);
    if (ack !== null) sendPaced(state, socket, ack, waitMs, now, effects);
  };
  // The id alone decides, with or without DUP (section 4.3.3); its rights were judged the first time.
  if (qos === 2 && packetId !== null && session.received.has(packetId)) {
    acknowledge(reasonCodes.success, null);
    return;
  }
  const judged = judge(state, socket, session, found, packet, now, effects);
  if (judged.kind === "violation") {
    end(state, socket, violations[judged.why], now, effects);
    return;
  }
  if (judged.kind === "refused") {
    refuse(state, socket, packet, refusals[judged.why], acknowledge, now, effects);
    return;
  }
  if (judged.kind === "day_full") {
    refuseForToday(state, socket, packet, acknowledge, now, effects);
    return;
  }
  if (qos === 2 && packetId !== null) {
    session.received.add(packetId);
    effects.push({ kind: "write", write: { kind: "put_received", key: session.key, packetId } });
  }
  const message: Message = {
    topic: found.topic,
    payload: packet.payload,
    qos,
    retain: packet.retain,
    properties: travelling(properties),
    expiresAtMs: expiryOf(properties, now),
  };
  // Another object keeps what is retained for a device that lives there.
  if (packet.retain && found.parsed !== null && state.shard?.isHome(found.parsed.device) !== false)
    retain(state, found.parsed.device, message, effects);
  if (judged.record !== null) appendOutbox(state, judged.record, now, effects);
  const matched = route(state, message, { session: session.key, packet, level: socket.level }, now, effects);
  if (qos === 0) return;
  const heard = matched || judged.record !== null || qos === 2;
  acknowledge(heard ? reasonCodes.success : reasonCodes.no_matching_subscribers, null);
}

type Acknowledge = (reasonCode: ReasonCode, reason: string | null) => void;

/** PUBACK or PUBREC, or null at QoS 0; a reason string only for who asked for problem information [MQTT-3.1.2-29]. */
function acknowledgementOf(
  socket: Socket,
  packet: PublishPacket,
  reasonCode: ReasonCode,
  reason: string | null,
): AckPacket | null {
  if (packet.packetId === null) return null;
  return {
    type: packet.qos === 2 ? "pubrec" : "puback",
    packetId: packet.packetId,
    reasonCode,
    properties: reason === null || !socket.problemInformation ? null : { reasonString: reason },
  };
}

function refuse(
  state: BrokerState,
  socket: Socket,
  packet: PublishPacket,
  why: Close,
  acknowledge: Acknowledge,
  now: number,
  effects: Effect[],
): void {
  if (socket.level === 5) {
    acknowledge(why.reasonCode ?? reasonCodes.unspecified_error, why.reason);
    return;
  }
  // QoS 0 telemetry over the bound is dropped, as QoS 0 may be; the connection stays.
  if (why === refusals.outbox_full && packet.qos === 0) return;
  end(state, socket, why, now, effects);
}

/**
 * The organisation's messages of today are used up. 5.0 is told until when, and what has no acknowledgement is
 * dropped. A 3.x client can be told nothing but an end (section 3.3.5), would come straight back, and each coming and
 * going is a record too: so its message stays unacknowledged, and with it its own to keep, for `dayFullHoldMs`.
 */
function refuseForToday(
  state: BrokerState,
  socket: Socket,
  packet: PublishPacket,
  acknowledge: Acknowledge,
  now: number,
  effects: Effect[],
): void {
  if (packet.qos === 0) return;
  if (socket.level === 5) {
    const reason = `quota_exceeded: messages_a_day; retry after ${state.daily.resetSeconds(now)} s`;
    acknowledge(reasonCodes.quota_exceeded, reason);
    return;
  }
  if (socket.heldUntilMs !== null) return;
  socket.heldUntilMs = now + dayFullHoldMs;
  effects.push({ kind: "save_socket", socket });
}

function end(state: BrokerState, socket: Socket, close: Close, now: number, effects: Effect[]): void {
  dropSocket(state, socket, now, { graceful: false, close, presence: true }, effects);
}

/** The topic that an alias stands for, or what a new alias shall stand for (section 3.3.2.3.4). */
function resolveAlias(socket: Socket, packet: PublishPacket, effects: Effect[]): Resolved {
  const alias = packet.properties?.topicAlias ?? 0;
  if (alias < 1 || alias > topicAliasMaximum) return { violation: "alias_invalid" };
  const known = socket.aliasesIn.get(alias);
  if (packet.topic === "") return known === undefined ? { violation: "alias_unknown" } : { topic: known };
  if (known === packet.topic) return packet;
  if (parseTopicName(packet.topic) === null) return { violation: "topic_name" };
  let characters = packet.topic.length;
  for (const [other, topic] of socket.aliasesIn) if (other !== alias) characters += topic.length;
  if (characters > aliasCharactersMax) return { violation: "alias_space" };
  socket.aliasesIn.set(alias, packet.topic);
  effects.push({ kind: "save_socket", socket });
  return packet;
}

type Judgement =
  | { readonly kind: "accepted"; readonly record: IngestRecord | null }
  | { readonly kind: "refused"; readonly why: keyof typeof refusals }
  | { readonly kind: "day_full" }
  | { readonly kind: "violation"; readonly why: keyof typeof violations };

const relayed: Judgement = { kind: "accepted", record: null };
const dayFull: Judgement = { kind: "day_full" };

function judge(
  state: BrokerState,
  socket: Socket,
  session: Session,
  found: Route,
  packet: PublishPacket,
  now: number,
  effects: Effect[],
): Judgement {
  const { parsed, topic } = found;
  const { principal } = session;
  if (parsed === null || !mayPublish(state, principal, parsed)) return { kind: "refused", why: "not_allowed" };
  const responseTopic = packet.properties?.responseTopic;
  if (responseTopic !== undefined) {
    const name = parseTopicName(responseTopic);
    if (name === null) return { kind: "violation", why: "topic_name" };
    const answer = parseDeviceTopic(name);
    if (answer === null || !mayAnswerTo(state, principal, answer)) return { kind: "refused", why: "response_topic" };
  }
  if (packet.retain && packet.payload.length > 0) {
    const bytes = messageBytes({ topic, payload: packet.payload, properties: packet.properties });
    if (!hasRoom(state, parsed.device, topic, bytes)) {
      forgetExpired(state, parsed.device, now, effects);
      if (!hasRoom(state, parsed.device, topic, bytes)) return { kind: "refused", why: "retained" };
    }
  }
  const record = principal.kind === "device" ? ingestRecord(parsed, packet.payload, now) : null;
  if (record !== null && state.outboxBytes >= outboxBytesMax) return { kind: "refused", why: "outbox_full" };
  if (record !== null && state.daily.isFull(record.kind, now)) return dayFull;
  if (packet.qos === 2 && session.received.size >= (socket.level === 5 ? receiveMaximum : receivedMax))
    return { kind: "violation", why: "received_full" };
  return record === null ? relayed : { kind: "accepted", record };
}

/**
 * A PUBREL: the id is free again, then PUBCOMP. An unknown id was freed before and its PUBCOMP lost, so
 * it is answered all the same, and with success: the message was delivered [MQTT-4.3.3-11].
 */
export function release(socket: Socket, session: Session, packetId: number, effects: Effect[]): void {
  if (session.received.delete(packetId))
    effects.push({ kind: "write", write: { kind: "delete_received", key: session.key, packetId } });
  const packet: AckPacket = { type: "pubcomp", packetId, reasonCode: reasonCodes.success, properties: null };
  effects.push({ kind: "send", socket, packet });
}

import fc from "fast-check";
import type { Packet, ProtocolLevel, QoS, RetainHandling } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";

/** Valid packets of each version and sender, as the decoder gives them (but for `wire`). */

export const levels = [3, 4, 5] as const;

const qos = fc.constantFrom<QoS>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 0xffff });
/** Any MQTT string: well-formed, no U+0000; U+FEFF and astral characters included. */
export const mqttText = fc.string({ unit: "binary", maxLength: 40 }).filter((text) => !text.includes("\0"));
/** Without what no name may have: controls and non-characters. */
const nameText = mqttText.filter((text) => !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text));
/** mqtt-packet also judges topic names, so the shared generator makes plain ones. */
const topic = fc.stringMatching(/^[a-z0-9/\u00e9\ufeff]{1,40}$/);
const bytes = fc.uint8Array({ maxLength: 300 });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bit = fc.constantFrom<0 | 1>(0, 1);

/** How each property may look. */
const values = {
  payloadFormatIndicator: bit,
  messageExpiryInterval: uint32,
  contentType: mqttText,
  responseTopic: topic,
  correlationData: bytes,
  subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 3 }),
  sessionExpiryInterval: uint32,
  assignedClientIdentifier: mqttText,
  serverKeepAlive: uint16,
  authenticationMethod: mqttText,
  authenticationData: bytes,
  requestProblemInformation: bit,
  willDelayInterval: uint32,
  requestResponseInformation: bit,
  responseInformation: mqttText,
  serverReference: mqttText,
  reasonString: mqttText,
  receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
  topicAliasMaximum: uint16,
  topicAlias: fc.integer({ min: 1, max: 0xffff }),
  maximumQos: bit,
  retainAvailable: bit,
  userProperties: fc.array(fc.tuple(mqttText, mqttText), { minLength: 1, maxLength: 4 }),
  maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
  wildcardSubscriptionAvailable: bit,
  subscriptionIdentifiersAvailable: bit,
  sharedSubscriptionAvailable: bit,
} satisfies { readonly [Name in keyof Properties]-?: fc.Arbitrary<NonNullable<Properties[Name]>> };
type Name = keyof typeof values;

/** Null, or at least one of the named ones. */
function properties(level: ProtocolLevel, ...names: readonly Name[]): fc.Arbitrary<Properties | null> {
  if (level < 5) return fc.constant(null);
  const model = Object.fromEntries(names.map((name) => [name, values[name]]));
  return fc.option(
    fc
      .record(model, { requiredKeys: [] })
      .map(({ ...some }) => some as Properties)
      .filter((some) => Object.keys(some).length > 0)
      // Data goes with a method (section 3.1.2.11.10).
      .map((some) => ("authenticationData" in some ? { authenticationMethod: "m", ...some } : some)),
  );
}

/** Any properties at all, as storage takes them. */
export const anyProperties: fc.Arbitrary<Properties> = fc
  .record(values, { requiredKeys: [] })
  .map(({ ...some }) => some as Properties);

/** Success alone before 5.0. */
function reason(level: ProtocolLevel, ...codes: readonly ReasonCode[]): fc.Arbitrary<ReasonCode> {
  return level < 5 ? fc.constant(reasonCodes.success) : fc.constantFrom(reasonCodes.success, ...codes);
}

const messageNames = [
  "payloadFormatIndicator",
  "messageExpiryInterval",
  "contentType",
  "responseTopic",
  "correlationData",
  "userProperties",
] as const;

export function connect(level: ProtocolLevel): fc.Arbitrary<Packet> {
  const will = fc.record({
    topic,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: properties(level, "willDelayInterval", ...messageNames),
  });
  const credentials = fc.oneof(
    fc.constant({ username: null, password: null }),
    fc.record({ username: mqttText, password: fc.option(bytes) }),
  );
  return fc
    .record({
      type: fc.constant("connect" as const),
      level: fc.constant(level),
      clean: fc.boolean(),
      keepAliveSeconds: uint16,
      clientId: nameText.filter((id) => id !== ""),
      will: fc.option(will),
      credentials,
      properties: properties(
        level,
        "sessionExpiryInterval",
        "receiveMaximum",
        "maximumPacketSize",
        "topicAliasMaximum",
        "requestResponseInformation",
        "requestProblemInformation",
        "userProperties",
        "authenticationMethod",
        "authenticationData",
      ),
    })
    .map(({ credentials: { username, password }, ...rest }) => ({ ...rest, username, password }));
}

export function publish(level: ProtocolLevel, sender: "client" | "server"): fc.Arbitrary<Packet> {
  const names: readonly Name[] = [
    ...messageNames,
    "topicAlias",
    ...(sender === "server" ? ["subscriptionIdentifiers" as const] : []),
  ];
  return fc
    .record({
      qos,
      dup: fc.boolean(),
      retain: fc.boolean(),
      topic,
      id: packetId,
      payload: bytes,
      properties: properties(level, ...names),
      aliased: fc.boolean(),
    })
    .map((all) => ({
      type: "publish",
      dup: all.qos > 0 && all.dup,
      qos: all.qos,
      retain: all.retain,
      topic: all.aliased && all.properties?.topicAlias !== undefined ? "" : all.topic,
      packetId: all.qos === 0 ? null : all.id,
      payload: all.payload,
      properties: all.properties,
      wire: null,
    }));
}

function ack(level: ProtocolLevel): fc.Arbitrary<Packet> {
  return fc.oneof(
    fc.record({
      type: fc.constantFrom("puback" as const, "pubrec" as const),
      packetId,
      reasonCode: reason(level, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
      properties: properties(level, "reasonString", "userProperties"),
    }),
    fc.record({
      type: fc.constantFrom("pubrel" as const, "pubcomp" as const),
      packetId,
      reasonCode: reason(level, 0x92),
      properties: properties(level, "reasonString", "userProperties"),
    }),
  );
}

function auth(codes: fc.Arbitrary<ReasonCode>): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant("auth" as const),
    reasonCode: codes,
    properties: properties(5, "authenticationMethod", "authenticationData", "reasonString", "userProperties").map(
      (some) => some && { authenticationMethod: "m", ...some },
    ),
  });
}

function subscription(level: ProtocolLevel) {
  const option = level < 5 ? fc.constant(false) : fc.boolean();
  return fc.record({
    filter: topic,
    qos,
    noLocal: option,
    retainAsPublished: option,
    retainHandling: level < 5 ? fc.constant<RetainHandling>(0) : fc.constantFrom<RetainHandling>(0, 1, 2),
  });
}

export function clientPacket(level: ProtocolLevel): fc.Arbitrary<Packet> {
  const subscriptionIdentifiers = level < 5 ? fc.constant(null) : fc.option(fc.integer({ min: 1, max: 268_435_455 }));
  return fc.oneof(
    connect(level),
    publish(level, "client"),
    ack(level),
    fc
      .record({
        subscriptions: fc.array(subscription(level), { minLength: 1, maxLength: 5 }),
        packetId,
        some: properties(level, "userProperties"),
        identifier: subscriptionIdentifiers,
      })
      .map(
        ({ some, identifier, ...rest }): Packet => ({
          type: "subscribe",
          ...rest,
          properties: identifier === null ? some : { ...some, subscriptionIdentifiers: [identifier] },
        }),
      ),
    fc.record({
      type: fc.constant("unsubscribe" as const),
      packetId,
      filters: fc.array(topic, { minLength: 1, maxLength: 5 }),
      properties: properties(level, "userProperties"),
    }),
    fc.constant<Packet>({ type: "pingreq" }),
    fc.record({
      type: fc.constant("disconnect" as const),
      reasonCode: reason(level, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99),
      properties: properties(level, "sessionExpiryInterval", "reasonString", "userProperties"),
    }),
    ...(level < 5 ? [] : [auth(fc.constantFrom<ReasonCode>(0x18, 0x19))]),
  );
}

export function serverPacket(level: ProtocolLevel): fc.Arbitrary<Packet> {
  const refusals: readonly ReasonCode[] =
    level < 5
      ? [0x84, 0x85, 0x86, 0x87, 0x88]
      : [0x80, 0x81, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x9c, 0x9f];
  const codes: readonly ReasonCode[] = level < 5 ? [0, 1, 2, 0x80] : [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x97, 0x9e];
  return fc.oneof(
    publish(level, "server"),
    fc
      .record({
        type: fc.constant("connack" as const),
        sessionPresent: fc.boolean(),
        reasonCode: fc.constantFrom(reasonCodes.success, ...refusals),
        properties: properties(
          level,
          "sessionExpiryInterval",
          "receiveMaximum",
          "maximumQos",
          "retainAvailable",
          "maximumPacketSize",
          "assignedClientIdentifier",
          "topicAliasMaximum",
          "reasonString",
          "userProperties",
          "wildcardSubscriptionAvailable",
          "subscriptionIdentifiersAvailable",
          "sharedSubscriptionAvailable",
          "serverKeepAlive",
          "responseInformation",
          "serverReference",
          "authenticationMethod",
          "authenticationData",
        ),
      })
      .map((packet) => ({ ...packet, sessionPresent: level > 3 && packet.reasonCode === 0 && packet.sessionPresent })),
    ack(level),
    fc.record({
      type: fc.constant("suback" as const),
      packetId,
      codes: fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 5 }),
      properties: properties(level, "reasonString", "userProperties"),
    }),
    fc.record({
      type: fc.constant("unsuback" as const),
      packetId,
      codes:
        level < 5
          ? fc.constant<ReasonCode[]>([])
          : fc.array(fc.constantFrom<ReasonCode>(0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91), {
              minLength: 1,
              maxLength: 5,
            }),
      properties: properties(level, "reasonString", "userProperties"),
    }),
    fc.constant<Packet>({ type: "pingresp" }),
    ...(level < 5
      ? []
      : [
          fc.record({
            type: fc.constant("disconnect" as const),
            reasonCode: reason(5, 0x81, 0x82, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x95, 0x98, 0x9c, 0x9d, 0xa0),
            properties: properties(5, "serverReference", "reasonString", "userProperties"),
          }),
          auth(fc.constantFrom<ReasonCode>(0, 0x18)),
        ]),
  );
}

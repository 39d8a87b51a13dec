import fc from "fast-check";
import type { Packet, QoS } from "../../../core/mqtt/packets.ts";

const qos = fc.constantFrom<QoS>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 0xffff });
/** Any MQTT string: well-formed, no U+0000; U+FEFF and astral characters included. */
export const mqttText = fc.string({ unit: "binary", maxLength: 40 }).filter((text) => !text.includes("\0"));
/** mqtt-packet also judges topic names, so the shared generator makes plain ones. */
const topic = fc.stringMatching(/^[a-z0-9/\u00e9\ufeff]{1,40}$/);
const bytes = fc.uint8Array({ maxLength: 300 });

const will = fc.record({ topic, payload: bytes, qos, retain: fc.boolean() });
const credentials = fc.oneof(
  fc.constant({ username: null, password: null }),
  fc.record({ username: mqttText, password: fc.option(bytes) }),
);
export const connect: fc.Arbitrary<Packet> = fc
  .record({
    clean: fc.boolean(),
    keepAliveSeconds: fc.integer({ min: 0, max: 0xffff }),
    clientId: mqttText.filter((id) => id !== ""),
    will: fc.option(will),
    credentials,
  })
  .map(({ credentials: { username, password }, ...rest }) => ({
    type: "connect",
    level: 4,
    username,
    password,
    ...rest,
  }));

export const publish: fc.Arbitrary<Packet> = fc
  .record({ qos, dup: fc.boolean(), retain: fc.boolean(), topic, id: packetId, payload: bytes })
  .map(({ qos, dup, retain, topic, id, payload }) => ({
    type: "publish",
    qos,
    dup: qos > 0 && dup,
    retain,
    topic,
    packetId: qos === 0 ? null : id,
    payload,
  }));

export const clientPacket: fc.Arbitrary<Packet> = fc.oneof(
  connect,
  publish,
  fc.record({ type: fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"), packetId }) as fc.Arbitrary<Packet>,
  fc.record({
    type: fc.constant("subscribe" as const),
    packetId,
    subscriptions: fc.array(fc.record({ filter: topic, qos }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant("unsubscribe" as const),
    packetId,
    filters: fc.array(topic, { minLength: 1, maxLength: 5 }),
  }),
  fc.constantFrom<Packet>({ type: "pingreq" }, { type: "disconnect" }),
);

export const serverPacket: fc.Arbitrary<Packet> = fc.oneof(
  publish,
  fc
    .record({ sessionPresent: fc.boolean(), returnCode: fc.constantFrom(0, 1, 2, 3, 4, 5) })
    .map(
      ({ sessionPresent, returnCode }) =>
        ({ type: "connack", sessionPresent: returnCode === 0 && sessionPresent, returnCode }) as Packet,
    ),
  fc.record({
    type: fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp", "unsuback"),
    packetId,
  }) as fc.Arbitrary<Packet>,
  fc.record({
    type: fc.constant("suback" as const),
    packetId,
    codes: fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 5 }),
  }) as fc.Arbitrary<Packet>,
  fc.constant<Packet>({ type: "pingresp" }),
);

/** Every packet of a 5.0 client that has a property section, and what belongs there (table 2-4). */
import type { Answer } from "../support/answers.ts";
import { connectFlags } from "../support/packets.ts";
import type { Device } from "../support/target.ts";
import { type PropertyName, packet, properties, sized, u8, u16 } from "../support/wire.ts";
import { malformed, protocolError, type Sequence } from "./sequence.ts";

export interface PropertyPacket {
  readonly name: string;
  readonly clause: string;
  readonly allowed: readonly PropertyName[];
  /** The packet around a property section (with its length). */
  build(section: Uint8Array): Buffer;
  /** What comes back when all is right. */
  readonly answers: readonly (Partial<Answer> & Pick<Answer, "type">)[];
  readonly end: Sequence["end"];
  readonly bare?: true;
  /** For the property that names a topic: it must be one that the device may publish to. */
  readonly ownTopic: string;
  /** For a property of another packet: section 2.2.2.2 says malformed, mosquitto protocol error but where clients ask. */
  readonly misplaced: number;
}

const connackOk = { type: "connack", code: 0 } as const;
const userProperty: PropertyName = "userProperty";
const ackProperties: readonly PropertyName[] = ["reasonString", userProperty];

function connectPackets(device: Device): Omit<PropertyPacket, "ownTopic">[] {
  const fields = { clean: true, keepAlive: 10 };
  return [
    {
      name: "CONNECT",
      clause: "3.1.2.11",
      allowed: [
        "sessionExpiryInterval",
        "receiveMaximum",
        "maximumPacketSize",
        "topicAliasMaximum",
        "requestResponseInformation",
        "requestProblemInformation",
        userProperty,
      ],
      build: (section) => connectWith(device, fields, { section }),
      answers: [connackOk],
      end: "open",
      bare: true,
      misplaced: protocolError,
    },
    {
      name: "Will",
      clause: "3.1.3.2",
      allowed: [
        "willDelayInterval",
        "payloadFormatIndicator",
        "messageExpiryInterval",
        "contentType",
        "responseTopic",
        "correlationData",
        userProperty,
      ],
      build: (section) => connectWith(device, fields, { will: section }),
      answers: [connackOk],
      end: "open",
      bare: true,
      misplaced: protocolError,
    },
  ];
}

/** A CONNECT of which one property section is given as bytes. */
function connectWith(
  device: Device,
  fields: { clean: boolean; keepAlive: number },
  parts: { section?: Uint8Array; will?: Uint8Array },
): Buffer {
  const all = device.connectFields(5, fields);
  const will = { topic: device.scope()("will"), payload: "gone" };
  return packet(
    0x10,
    sized("MQTT"),
    u8(5),
    u8(connectFlags(parts.will === undefined ? all : { ...all, will })),
    u16(10),
    parts.section ?? properties(),
    sized(all.clientId),
    ...(parts.will === undefined ? [] : [parts.will, sized(will.topic), sized(will.payload)]),
    sized(device.deviceId),
    sized(device.token),
  );
}

function ackPackets(): Omit<PropertyPacket, "ownTopic">[] {
  const common = { allowed: ackProperties, end: "open", misplaced: protocolError } as const;
  const build = (first: number) => (section: Uint8Array) => packet(first, u16(1234), u8(0), section);
  return [
    { ...common, name: "PUBACK", clause: "3.4.2.2", build: build(0x40), answers: [] },
    { ...common, name: "PUBREC", clause: "3.5.2.2", build: build(0x50), answers: [{ type: "pubrel", id: 1234 }] },
    { ...common, name: "PUBREL", clause: "3.6.2.2", build: build(0x62), answers: [{ type: "pubcomp", id: 1234 }] },
    { ...common, name: "PUBCOMP", clause: "3.7.2.2", build: build(0x70), answers: [] },
  ];
}

/** The packets of one device. */
export function propertyPackets(device: Device): readonly PropertyPacket[] {
  const topic = device.scope();
  const packets: readonly Omit<PropertyPacket, "ownTopic">[] = [
    ...connectPackets(device),
    {
      name: "PUBLISH",
      clause: "3.3.2.3",
      allowed: [
        "payloadFormatIndicator",
        "messageExpiryInterval",
        "topicAlias",
        "responseTopic",
        "correlationData",
        userProperty,
        "contentType",
      ],
      build: (section) => packet(0x32, sized(topic("publish")), u16(1234), section, Buffer.from("payload")),
      // Nobody subscribes.
      answers: [{ type: "puback", id: 1234, code: 0x10 }],
      end: "open",
      misplaced: protocolError,
    },
    ...ackPackets(),
    {
      name: "SUBSCRIBE",
      clause: "3.8.2.1",
      allowed: ["subscriptionIdentifier", userProperty],
      build: (section) => packet(0x82, u16(1234), section, sized(topic("subscribe")), u8(1)),
      answers: [{ type: "suback", id: 1234, codes: [1] }],
      end: "open",
      misplaced: malformed,
    },
    {
      name: "UNSUBSCRIBE",
      clause: "3.10.2.1",
      allowed: [userProperty],
      build: (section) => packet(0xa2, u16(1234), section, sized(topic("unsubscribe"))),
      answers: [{ type: "unsuback", id: 1234, codes: [0x11] }],
      end: "open",
      misplaced: malformed,
    },
    {
      name: "DISCONNECT",
      clause: "3.14.2.2",
      allowed: ["reasonString", userProperty],
      build: (section) => packet(0xe0, u8(0), section),
      answers: [],
      end: "closed",
      misplaced: protocolError,
    },
  ];
  return packets.map((kind) => ({ ...kind, ownTopic: topic("answers") }));
}

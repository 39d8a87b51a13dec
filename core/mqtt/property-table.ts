import type { PacketType } from "./packets.ts";
import type { Properties } from "./properties.ts";

/** What carries properties: packets, the will inside CONNECT, and storage, which takes them all. */
export type PropertyBearer = Exclude<PacketType, "pingreq" | "pingresp"> | "will" | "storage";

export type PropertyType = "byte" | "uint16" | "uint32" | "variable" | "text" | "binary" | "pair";

/** What a value may be beyond its type; breaking it is a Protocol Error. */
export type PropertyRule = "any" | "zero_or_one" | "not_zero";

export interface PropertySpec {
  readonly id: number;
  readonly name: keyof Properties;
  readonly type: PropertyType;
  readonly rule: PropertyRule;
  /** One bit for each bearer. */
  readonly bearers: number;
  /** It may stand in a packet more than once, and its value is a list. */
  readonly repeats: boolean;
}

/** A bit for each bearer, and the section that lists its properties. */
export const bearers: Readonly<Record<PropertyBearer, { readonly bit: number; readonly clause: string }>> = {
  connect: { bit: 1 << 0, clause: "3.1.2.11" },
  connack: { bit: 1 << 1, clause: "3.2.2.3" },
  publish: { bit: 1 << 2, clause: "3.3.2.3" },
  will: { bit: 1 << 3, clause: "3.1.3.2" },
  puback: { bit: 1 << 4, clause: "3.4.2.2" },
  pubrec: { bit: 1 << 5, clause: "3.5.2.2" },
  pubrel: { bit: 1 << 6, clause: "3.6.2.2" },
  pubcomp: { bit: 1 << 7, clause: "3.7.2.2" },
  subscribe: { bit: 1 << 8, clause: "3.8.2.1" },
  suback: { bit: 1 << 9, clause: "3.9.2.1" },
  unsubscribe: { bit: 1 << 10, clause: "3.10.2.1" },
  unsuback: { bit: 1 << 11, clause: "3.11.2.1" },
  disconnect: { bit: 1 << 12, clause: "3.14.2.2" },
  auth: { bit: 1 << 13, clause: "3.15.2.2" },
  storage: { bit: -1, clause: "2.2.2.2" },
};

const everywhere: readonly PropertyBearer[] = ["storage"];
const message: readonly PropertyBearer[] = ["publish", "will"];
const answers: readonly PropertyBearer[] = [
  "connack",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "suback",
  "unsuback",
  "disconnect",
  "auth",
];

function spec(
  id: number,
  name: keyof Properties,
  type: PropertyType,
  carriedBy: readonly PropertyBearer[],
  rule: PropertyRule = "any",
): PropertySpec {
  let bits = 0;
  for (const bearer of carriedBy) bits |= bearers[bearer].bit;
  return { id, name, type, rule, bearers: bits, repeats: id === 0x0b || id === 0x26 };
}

/** Table 2-4 of 5.0, with the rules of the sections that it refers to. */
export const propertySpecs: readonly PropertySpec[] = [
  spec(0x01, "payloadFormatIndicator", "byte", message, "zero_or_one"),
  spec(0x02, "messageExpiryInterval", "uint32", message),
  spec(0x03, "contentType", "text", message),
  spec(0x08, "responseTopic", "text", message),
  spec(0x09, "correlationData", "binary", message),
  spec(0x0b, "subscriptionIdentifiers", "variable", ["publish", "subscribe"], "not_zero"),
  spec(0x11, "sessionExpiryInterval", "uint32", ["connect", "connack", "disconnect"]),
  spec(0x12, "assignedClientIdentifier", "text", ["connack"]),
  spec(0x13, "serverKeepAlive", "uint16", ["connack"]),
  spec(0x15, "authenticationMethod", "text", ["connect", "connack", "auth"]),
  spec(0x16, "authenticationData", "binary", ["connect", "connack", "auth"]),
  spec(0x17, "requestProblemInformation", "byte", ["connect"], "zero_or_one"),
  spec(0x18, "willDelayInterval", "uint32", ["will"]),
  spec(0x19, "requestResponseInformation", "byte", ["connect"], "zero_or_one"),
  spec(0x1a, "responseInformation", "text", ["connack"]),
  spec(0x1c, "serverReference", "text", ["connack", "disconnect"]),
  spec(0x1f, "reasonString", "text", answers),
  spec(0x21, "receiveMaximum", "uint16", ["connect", "connack"], "not_zero"),
  spec(0x22, "topicAliasMaximum", "uint16", ["connect", "connack"]),
  spec(0x23, "topicAlias", "uint16", ["publish"], "not_zero"),
  spec(0x24, "maximumQos", "byte", ["connack"], "zero_or_one"),
  spec(0x25, "retainAvailable", "byte", ["connack"], "zero_or_one"),
  spec(0x26, "userProperties", "pair", everywhere),
  spec(0x27, "maximumPacketSize", "uint32", ["connect", "connack"], "not_zero"),
  spec(0x28, "wildcardSubscriptionAvailable", "byte", ["connack"], "zero_or_one"),
  spec(0x29, "subscriptionIdentifiersAvailable", "byte", ["connack"], "zero_or_one"),
  spec(0x2a, "sharedSubscriptionAvailable", "byte", ["connack"], "zero_or_one"),
];

/** By identifier; undefined where there is none. */
export const specById: readonly (PropertySpec | undefined)[] = Array.from({ length: 128 }, (_, id) =>
  propertySpecs.find((property) => property.id === id),
);

/** By name. */
export const specByName: Readonly<Record<string, PropertySpec | undefined>> = Object.fromEntries(
  propertySpecs.map((property) => [property.name, property]),
);

/**
 * MQTT packets as bytes, by hand and on purpose apart from core/mqtt: an error there must not be
 * mirrored here. Nothing is checked, for half of what the suites send is wrong.
 */

/** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type Level = 3 | 4 | 5;

export const u8 = (value: number): Buffer => Buffer.of(value);
export const u16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A variable byte integer; from 2^28 on it takes the fifth byte that the protocol forbids. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Two bytes of length, then the bytes. */
export function sized(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([u16(bytes.length), bytes]);
}

export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");

/** A packet with the remaining length that its body has. */
export function packet(firstByte: number, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([u8(firstByte), varint(content.length), content]);
}

/** The names of section 2.2.2.2, table 2-4. */
export const propertyIds = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  sessionExpiryInterval: 0x11,
  assignedClientIdentifier: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelayInterval: 0x18,
  requestResponseInformation: 0x19,
  responseInformation: 0x1a,
  serverReference: 0x1c,
  reasonString: 0x1f,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumQos: 0x24,
  retainAvailable: 0x25,
  userProperty: 0x26,
  maximumPacketSize: 0x27,
  wildcardSubscriptionAvailable: 0x28,
  subscriptionIdentifierAvailable: 0x29,
  sharedSubscriptionAvailable: 0x2a,
} as const;
export type PropertyName = keyof typeof propertyIds;
export type PropertyType = "byte" | "u16" | "u32" | "varint" | "string" | "binary" | "pair";

export const propertyTypes: Readonly<Record<PropertyName, PropertyType>> = {
  payloadFormatIndicator: "byte",
  messageExpiryInterval: "u32",
  contentType: "string",
  responseTopic: "string",
  correlationData: "binary",
  subscriptionIdentifier: "varint",
  sessionExpiryInterval: "u32",
  assignedClientIdentifier: "string",
  serverKeepAlive: "u16",
  authenticationMethod: "string",
  authenticationData: "binary",
  requestProblemInformation: "byte",
  willDelayInterval: "u32",
  requestResponseInformation: "byte",
  responseInformation: "string",
  serverReference: "string",
  reasonString: "string",
  receiveMaximum: "u16",
  topicAliasMaximum: "u16",
  topicAlias: "u16",
  maximumQos: "byte",
  retainAvailable: "byte",
  userProperty: "pair",
  maximumPacketSize: "u32",
  wildcardSubscriptionAvailable: "byte",
  subscriptionIdentifierAvailable: "byte",
  sharedSubscriptionAvailable: "byte",
};

export type PropertyValue = number | string | Uint8Array | readonly [string, string];
/** In the order in which they go out; a name may come twice. */
export type Properties = readonly (readonly [PropertyName, PropertyValue])[];

/** One property: identifier and value. */
export function property(name: PropertyName, value: PropertyValue): Buffer {
  const id = u8(propertyIds[name]);
  switch (propertyTypes[name]) {
    case "byte":
      return Buffer.concat([id, u8(value as number)]);
    case "u16":
      return Buffer.concat([id, u16(value as number)]);
    case "u32":
      return Buffer.concat([id, u32(value as number)]);
    case "varint":
      return Buffer.concat([id, varint(value as number)]);
    case "string":
    case "binary":
      return Buffer.concat([id, sized(value as string | Uint8Array)]);
    case "pair": {
      const [key, text] = value as readonly [string, string];
      return Buffer.concat([id, sized(key), sized(text)]);
    }
  }
}

/** A property section: its length and its properties. */
export function properties(list: Properties = []): Buffer {
  return section(Buffer.concat(list.map(([name, value]) => property(name, value))));
}

/** A property section of bytes that need not be properties. */
export function section(bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** A property section where the version has one. */
export function sectionFor(level: Level, list: Properties = []): Buffer {
  return level === 5 ? properties(list) : Buffer.alloc(0);
}

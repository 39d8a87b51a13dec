/** The packets a client sends, right by default and wrong where a test says so. */
import { type Level, type Properties, packet, properties, sectionFor, sized, u8, u16 } from "./wire.ts";

export interface WillFields {
  readonly topic: string | Uint8Array;
  readonly payload?: string | Uint8Array;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: Properties;
}

export interface ConnectFields {
  readonly level: Level;
  readonly clientId: string | Uint8Array;
  /** Clean Session, in 5.0 Clean Start. Default true. */
  readonly clean?: boolean;
  /** Seconds. Default 60. */
  readonly keepAlive?: number;
  readonly username?: string | Uint8Array | null;
  readonly password?: string | Uint8Array | null;
  readonly will?: WillFields;
  readonly properties?: Properties;
  /** Stands in for the flags that follow from the other fields. */
  readonly flags?: number;
  readonly protocolName?: string;
  readonly protocolLevel?: number;
  /** Bytes after the payload. */
  readonly trailing?: Uint8Array;
}

export function connectFlags(fields: ConnectFields): number {
  const { will } = fields;
  return (
    (fields.clean === false ? 0 : 0x02) |
    (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0)) |
    (typeof fields.password === "string" || fields.password instanceof Uint8Array ? 0x40 : 0) |
    (typeof fields.username === "string" || fields.username instanceof Uint8Array ? 0x80 : 0)
  );
}

export function connect(fields: ConnectFields): Buffer {
  const { level, will } = fields;
  const willBytes =
    will === undefined ? [] : [sectionFor(level, will.properties), sized(will.topic), sized(will.payload ?? "gone")];
  return packet(
    0x10,
    sized(fields.protocolName ?? (level === 3 ? "MQIsdp" : "MQTT")),
    u8(fields.protocolLevel ?? level),
    u8(fields.flags ?? connectFlags(fields)),
    u16(fields.keepAlive ?? 60),
    sectionFor(level, fields.properties),
    sized(fields.clientId),
    ...willBytes,
    ...[fields.username, fields.password].flatMap((text) => (text === null || text === undefined ? [] : [sized(text)])),
    fields.trailing ?? Buffer.alloc(0),
  );
}

export interface PublishFields {
  readonly topic: string | Uint8Array;
  readonly payload?: string | Uint8Array;
  readonly qos?: number;
  readonly id?: number;
  readonly dup?: boolean;
  readonly retain?: boolean;
  readonly properties?: Properties;
}

export function publish(level: Level, fields: PublishFields): Buffer {
  const qos = fields.qos ?? 0;
  return packet(
    0x30 | (fields.dup === true ? 8 : 0) | (qos << 1) | (fields.retain === true ? 1 : 0),
    sized(fields.topic),
    qos > 0 ? u16(fields.id ?? 1) : Buffer.alloc(0),
    sectionFor(level, fields.properties),
    Buffer.from((fields.payload ?? "payload") as string),
  );
}

export const ackTypes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;
export type AckType = keyof typeof ackTypes;

/** Reason code and properties are left away when they say nothing (section 3.4.2.1). */
export function ack(type: AckType, id: number, reason?: number, list?: Properties): Buffer {
  return packet(
    ackTypes[type],
    u16(id),
    reason === undefined ? Buffer.alloc(0) : u8(reason),
    list === undefined ? Buffer.alloc(0) : properties(list),
  );
}

export interface FilterFields {
  readonly filter: string | Uint8Array;
  readonly qos?: number;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: number;
}

function optionsByte(fields: FilterFields): number {
  return (
    (fields.qos ?? 0) |
    (fields.noLocal === true ? 4 : 0) |
    (fields.retainAsPublished === true ? 8 : 0) |
    ((fields.retainHandling ?? 0) << 4)
  );
}

export function subscribe(level: Level, id: number, filters: readonly FilterFields[], list?: Properties): Buffer {
  return packet(
    0x82,
    u16(id),
    sectionFor(level, list),
    ...filters.flatMap((fields) => [sized(fields.filter), u8(optionsByte(fields))]),
  );
}

export function unsubscribe(
  level: Level,
  id: number,
  filters: readonly (string | Uint8Array)[],
  list?: Properties,
): Buffer {
  return packet(0xa2, u16(id), sectionFor(level, list), ...filters.map((filter) => sized(filter)));
}

export const pingreq = (): Buffer => packet(0xc0);

/** @param reason and `list` are of 5.0 only; neither is sent when left away */
export function disconnect(reason?: number, list?: Properties): Buffer {
  return packet(
    0xe0,
    reason === undefined ? Buffer.alloc(0) : u8(reason),
    list === undefined ? Buffer.alloc(0) : properties(list),
  );
}

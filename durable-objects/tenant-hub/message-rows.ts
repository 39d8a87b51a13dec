import type { QoS } from "../../core/mqtt/packets.ts";
import type { Properties } from "../../core/mqtt/properties.ts";
import { decodeProperties, encodeProperties } from "../../core/mqtt/property-codec.ts";
import { parseTopicName } from "../../core/topics/topic-name.ts";
import type { Message } from "./broker/session.ts";

/** A message as the columns of a row, and back. */

export type Row = Record<string, SqlStorageValue>;

/** The message of a row that has topic, payload, qos, properties and expires_at_ms. */
export function messageOf(row: Row, retain: boolean): Message {
  const topic = parseTopicName(String(row["topic"]));
  if (topic === null) throw new Error("a stored message has no topic");
  return {
    topic,
    payload: bytesOf(row["payload"]),
    qos: qosOf(row["qos"]),
    retain,
    properties: propertiesOf(row["properties"]),
    expiresAtMs: numberOrNull(row["expires_at_ms"]),
  };
}

/** As it is bound to a statement. */
export function propertiesValue(properties: Properties | null): ArrayBuffer | null {
  return properties === null ? null : blob(encodeProperties(properties));
}

export function propertiesOf(value: SqlStorageValue | undefined): Properties | null {
  return value === null || value === undefined ? null : decodeProperties(bytesOf(value));
}

export function qosOf(value: SqlStorageValue | undefined): QoS {
  return value === 1 || value === 2 ? value : 0;
}

export function numberOrNull(value: SqlStorageValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

export function bytesOf(value: SqlStorageValue | undefined): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new Error("a stored payload is not bytes");
}

/** A view's bytes as a buffer of their own: what was received is a view of a whole frame. */
export function blob(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}

import { ByteReader } from "./byte-reader.ts";
import type { Sender } from "./packets.ts";
import type { Properties } from "./properties.ts";
import { bearers, type PropertyBearer, type PropertySpec, specById, specByName } from "./property-table.ts";
import { FieldRefused, isTextRefusal } from "./refusals.ts";
import { textBytes, writeText } from "./utf8.ts";
import { variableByteIntegerBytes, writeVariableByteInteger } from "./variable-byte-integer.ts";

type Value = number | string | Uint8Array | readonly [string, string];

/** Properties while they are read: `repeats` ones gather in a list. */
type Gathered = Record<string, Value | Value[] | undefined>;

/**
 * Reads a property block with its length (section 2.2.2); null when there is nothing in it.
 * @param sender whose packet it is; null for what we stored ourselves
 * @throws FieldRefused
 */
export function readProperties(reader: ByteReader, bearer: PropertyBearer, sender: Sender | null): Properties | null {
  const length = reader.variableByteInteger();
  if (length === 0) return null;
  const outer = reader.enter(length);
  try {
    return readAll(reader, bearer, sender);
  } catch (error) {
    // A topic or a filter that is no text is answered, a property is not.
    if (error instanceof FieldRefused && isTextRefusal(error.kind)) error.silent = true;
    throw error;
  } finally {
    reader.leave(outer);
  }
}

/** All of it is read before any of it is judged: bytes that are no properties are that, whatever else is wrong. */
function readAll(reader: ByteReader, bearer: PropertyBearer, sender: Sender | null): Properties {
  const { bit, clause } = bearers[bearer];
  const gathered: Gathered = {};
  let wrong: FieldRefused | null = null;
  while (reader.remaining > 0) {
    const id = reader.variableByteInteger();
    const spec = specById[id];
    if (spec === undefined) throw new FieldRefused("property_unknown");
    const value = readValue(reader, spec, bearer);
    const before = gathered[spec.name];
    wrong ??= placeRefused(spec, bit, bearer, sender) ?? valueRefused(spec, value, clause);
    if (!spec.repeats) {
      if (before !== undefined) wrong ??= new FieldRefused("property_duplicate", clause);
      gathered[spec.name] = value;
    } else if (before === undefined) {
      gathered[spec.name] = [value];
    } else {
      // One subscription has one identifier; a message has those of all that match.
      if (id === 0x0b && bearer === "subscribe") wrong ??= new FieldRefused("property_duplicate", clause);
      (before as Value[]).push(value);
    }
  }
  if (wrong !== null) throw wrong;
  return checkTogether(gathered as Properties, bearer, sender);
}

/** Why the property has no place in this packet; null when it has. User Property is in every packet (table 2-4). */
function placeRefused(
  spec: PropertySpec,
  bit: number,
  bearer: PropertyBearer,
  sender: Sender | null,
): FieldRefused | null {
  if ((spec.bearers & bit) === 0)
    return new FieldRefused(
      bearer === "subscribe" || bearer === "unsubscribe" ? "request_property_misplaced" : "property_misplaced",
      `2.2.2.2, ${bearers[bearer].clause}`,
    );
  if (spec.id === 0x0b && bearer === "publish" && sender === "client")
    return new FieldRefused("subscription_identifier_from_client");
  return null;
}

function readValue(reader: ByteReader, spec: PropertySpec, bearer: PropertyBearer): Value {
  switch (spec.type) {
    case "byte":
      return reader.byte();
    case "uint16":
      return reader.uint16();
    case "uint32":
      return reader.uint32();
    case "variable":
      return reader.variableByteInteger();
    case "text":
      // What is stored was judged when it came.
      return spec.name === "responseTopic" && bearer !== "storage" ? reader.name() : reader.text();
    case "binary":
      return reader.binary();
    case "pair":
      return [reader.text(), reader.text()];
  }
}

function valueRefused(spec: PropertySpec, value: Value, clause: string): FieldRefused | null {
  if (spec.rule === "zero_or_one" && value !== 0 && value !== 1)
    return new FieldRefused("property_value_forbidden", clause);
  if (spec.rule === "not_zero" && value === 0) {
    if (spec.name === "topicAlias") return new FieldRefused("topic_alias_zero");
    if (spec.name === "subscriptionIdentifiers") return new FieldRefused("subscription_identifier_zero");
    return new FieldRefused("property_value_forbidden", clause);
  }
  if (spec.name === "responseTopic" && isResponseTopicWrong(value as string))
    return new FieldRefused("response_topic_invalid");
  return null;
}

/** A response topic is a name to publish to: no wildcard [MQTT-3.3.2-14], and not empty [MQTT-4.7.3-1]. */
function isResponseTopicWrong(topic: string): boolean {
  return topic === "" || topic.includes("+") || topic.includes("#");
}

/** What one property demands of another, or of the sender. */
function checkTogether(properties: Properties, bearer: PropertyBearer, sender: Sender | null): Properties {
  if (properties.authenticationMethod === undefined && bearer !== "storage") {
    // In AUTH the method is never left out (section 3.15.2.2.2).
    if (bearer === "auth") throw new FieldRefused("authentication_method_missing", "3.15.2.2.2");
    if (properties.authenticationData !== undefined) throw new FieldRefused("authentication_method_missing");
  }
  if (bearer === "disconnect" && sender === "server" && properties.sessionExpiryInterval !== undefined)
    throw new FieldRefused("property_misplaced", "MQTT-3.14.2-2");
  return properties;
}

/**
 * Bytes that properties take, without the length in front.
 * @throws RangeError on a value or a bearer that 5.0 doesn't allow: a bug of the caller
 */
export function propertiesBytes(properties: Properties | null, bearer: PropertyBearer): number {
  let bytes = 0;
  if (properties === null) return 0;
  const { bit } = bearers[bearer];
  for (const name in properties) {
    const spec = specByName[name];
    const value = (properties as Gathered)[name];
    if (value === undefined) continue;
    if (spec === undefined || (spec.bearers & bit) === 0) throw new RangeError(`${bearer} has no property ${name}`);
    if (!spec.repeats) {
      bytes += 1 + valueBytes(spec, value as Value);
      continue;
    }
    for (const one of value as readonly Value[]) bytes += 1 + valueBytes(spec, one);
  }
  const needsMethod = bearer === "auth" || (bearer !== "storage" && properties.authenticationData !== undefined);
  if (bytes > 0 && needsMethod && properties.authenticationMethod === undefined)
    throw new RangeError(`${bearer} names no authentication method (sections 3.1.2.11.10 and 3.15.2.2.2)`);
  return bytes;
}

/** The same with the length in front: 1 byte when there are none. */
export function propertyBlockBytes(properties: Properties | null, bearer: PropertyBearer): number {
  const bytes = propertiesBytes(properties, bearer);
  return variableByteIntegerBytes(bytes) + bytes;
}

function valueBytes(spec: PropertySpec, value: Value): number {
  if ((spec.rule === "zero_or_one" && value !== 0 && value !== 1) || (spec.rule === "not_zero" && value === 0))
    throw new RangeError(`${spec.name} can't be ${value}`);
  switch (spec.type) {
    case "byte":
      return wholeBelow(value, 0x100, 1);
    case "uint16":
      return wholeBelow(value, 0x1_0000, 2);
    case "uint32":
      return wholeBelow(value, 0x1_0000_0000, 4);
    case "variable":
      return variableByteIntegerBytes(value as number);
    case "text":
      if (spec.name === "responseTopic" && isResponseTopicWrong(value as string))
        throw new RangeError("a response topic is a topic name [MQTT-3.3.2-14]");
      return 2 + textBytes(value as string);
    case "binary":
      if ((value as Uint8Array).length > 0xffff) throw new RangeError(`${spec.name} takes at most 65,535 bytes`);
      return 2 + (value as Uint8Array).length;
    case "pair":
      return 4 + textBytes((value as readonly string[])[0] ?? "") + textBytes((value as readonly string[])[1] ?? "");
  }
}

function wholeBelow(value: Value, limit: number, bytes: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= limit)
    throw new RangeError(`not a whole number of ${bytes} bytes`);
  return bytes;
}

/** Writes properties that `propertiesBytes` has measured, without the length in front; the offset behind them. */
export function writeProperties(properties: Properties | null, into: Uint8Array, at: number): number {
  let next = at;
  if (properties === null) return next;
  for (const name in properties) {
    const spec = specByName[name];
    const value = (properties as Gathered)[name];
    if (spec === undefined || value === undefined) continue;
    if (spec.repeats) for (const one of value as readonly Value[]) next = writeOne(spec, one, into, next);
    else next = writeOne(spec, value as Value, into, next);
  }
  return next;
}

function writeOne(spec: PropertySpec, value: Value, into: Uint8Array, at: number): number {
  into[at] = spec.id;
  const next = at + 1;
  switch (spec.type) {
    case "byte":
      into[next] = value as number;
      return next + 1;
    case "uint16":
      return writeUint16(value as number, into, next);
    case "uint32":
      writeUint16(Math.floor((value as number) / 0x1_0000), into, next);
      return writeUint16((value as number) & 0xffff, into, next + 2);
    case "variable":
      return writeVariableByteInteger(value as number, into, next);
    case "text":
      return writeTextField(value as string, into, next);
    case "binary":
      return writeBinaryField(value as Uint8Array, into, next);
    case "pair": {
      const [name, text] = value as readonly [string, string];
      return writeTextField(text, into, writeTextField(name, into, next));
    }
  }
}

/** Writes two bytes, most significant first; the offset behind them. */
export function writeUint16(value: number, into: Uint8Array, at: number): number {
  into[at] = value >> 8;
  into[at + 1] = value & 0xff;
  return at + 2;
}

/** Writes a measured string behind its length; the offset behind it. */
export function writeTextField(text: string, into: Uint8Array, at: number): number {
  const end = writeText(text, into, at + 2);
  writeUint16(end - at - 2, into, at);
  return end;
}

/** Writes bytes behind their length; the offset behind them. */
export function writeBinaryField(bytes: Uint8Array, into: Uint8Array, at: number): number {
  into.set(bytes, writeUint16(bytes.length, into, at));
  return at + 2 + bytes.length;
}

/**
 * Properties as the bare bytes of section 2.2.2.2, without the length in front: for storage.
 * @throws RangeError on a value that 5.0 doesn't allow
 */
export function encodeProperties(properties: Properties): Uint8Array {
  const bytes = new Uint8Array(propertiesBytes(properties, "storage"));
  writeProperties(properties, bytes, 0);
  return bytes;
}

/**
 * The inverse of `encodeProperties`. Binary values are views of `bytes`.
 * @throws RangeError when the bytes are no properties: what was stored is damaged
 */
export function decodeProperties(bytes: Uint8Array): Properties {
  const reader = new ByteReader();
  reader.reset(bytes, 0, bytes.length);
  try {
    return readAll(reader, "storage", null);
  } catch (error) {
    if (error instanceof FieldRefused) throw new RangeError(`stored properties are damaged: ${error.kind}`);
    throw error;
  }
}

/** What a server sends, decoded strictly: an answer that breaks the protocol fails the test that got it. */
import { type Level, type PropertyName, type PropertyValue, propertyIds, propertyTypes } from "./wire.ts";

export type AnswerProperties = readonly (readonly [PropertyName, PropertyValue])[];

export type Answer =
  | {
      readonly type: "connack";
      readonly sessionPresent: boolean;
      readonly code: number;
      readonly properties: AnswerProperties;
    }
  | {
      readonly type: "publish";
      readonly topic: string;
      readonly payload: Buffer;
      readonly qos: number;
      readonly dup: boolean;
      readonly retain: boolean;
      /** 0 at QoS 0. */
      readonly id: number;
      readonly properties: AnswerProperties;
    }
  | {
      readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp";
      readonly id: number;
      readonly code: number;
      readonly properties: AnswerProperties;
    }
  | {
      readonly type: "suback" | "unsuback";
      readonly id: number;
      readonly codes: readonly number[];
      readonly properties: AnswerProperties;
    }
  | { readonly type: "pingresp" }
  | { readonly type: "disconnect"; readonly code: number; readonly properties: AnswerProperties };
export type AnswerType = Answer["type"];
export type AnswerOf<T extends AnswerType> = Answer & { readonly type: T };

const namesById = new Map(Object.entries(propertyIds).map(([name, id]) => [id as number, name as PropertyName]));

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(count: number): Buffer {
    if (count > this.left) throw new Error(`the server's packet ends early: ${this.#bytes.toString("hex")}`);
    const part = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return part;
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
      if (shift === 21) throw new Error("the server sent a variable byte integer of five bytes");
    }
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(this.u16()));
  }

  properties(): AnswerProperties {
    const inner = new Reader(this.take(this.varint()));
    const list: [PropertyName, PropertyValue][] = [];
    while (inner.left > 0) list.push(inner.#property());
    return list;
  }

  #property(): [PropertyName, PropertyValue] {
    const id = this.varint();
    const name = namesById.get(id);
    if (name === undefined) throw new Error(`the server sent the property ${id}`);
    switch (propertyTypes[name]) {
      case "byte":
        return [name, this.u8()];
      case "u16":
        return [name, this.u16()];
      case "u32":
        return [name, this.take(4).readUInt32BE()];
      case "varint":
        return [name, this.varint()];
      case "string":
        return [name, this.text()];
      case "binary":
        return [name, Buffer.from(this.take(this.u16()))];
      case "pair":
        return [name, [this.text(), this.text()]];
    }
  }
}

const ackNames = { 4: "puback", 5: "pubrec", 6: "pubrel", 7: "pubcomp" } as const;

/** Where the first whole packet of these bytes ends; null when it has not all come. */
export function packetEnd(bytes: Buffer): { readonly bodyAt: number; readonly end: number } | null {
  let length = 0;
  for (let index = 1; index < 5; index += 1) {
    const byte = bytes[index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return bytes.length < index + 1 + length ? null : { bodyAt: index + 1, end: index + 1 + length };
  }
  throw new Error("the server sent a remaining length of five bytes");
}

function decodePublish(level: Level, flags: number, reader: Reader): Answer {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw new Error("the server published at QoS 3");
  const topic = reader.text();
  const id = qos > 0 ? reader.u16() : 0;
  if (qos > 0 && id === 0) throw new Error("the server used packet identifier 0");
  const list = level === 5 ? reader.properties() : [];
  const payload = Buffer.from(reader.take(reader.left));
  return {
    type: "publish",
    topic,
    payload,
    qos,
    dup: (flags & 8) !== 0,
    retain: (flags & 1) !== 0,
    id,
    properties: list,
  };
}

function decodeSubAnswer(level: Level, type: "suback" | "unsuback", reader: Reader): Answer {
  const id = reader.u16();
  const list = level === 5 ? reader.properties() : [];
  return { type, id, codes: [...reader.take(reader.left)], properties: list };
}

function decodeBody(level: Level, type: number, flags: number, reader: Reader): Answer {
  switch (type) {
    case 2: {
      const sessionPresent = reader.u8() === 1;
      return {
        type: "connack",
        sessionPresent,
        code: reader.u8(),
        properties: reader.left > 0 ? reader.properties() : [],
      };
    }
    case 3:
      return decodePublish(level, flags, reader);
    case 4:
    case 5:
    case 6:
    case 7: {
      const id = reader.u16();
      const code = reader.left > 0 ? reader.u8() : 0;
      return { type: ackNames[type], id, code, properties: reader.left > 0 ? reader.properties() : [] };
    }
    case 9:
      return decodeSubAnswer(level, "suback", reader);
    case 11:
      return decodeSubAnswer(level, "unsuback", reader);
    case 13:
      return { type: "pingresp" };
    case 14: {
      const code = reader.left > 0 ? reader.u8() : 0;
      return { type: "disconnect", code, properties: reader.left > 0 ? reader.properties() : [] };
    }
    default:
      throw new Error(`the server sent a packet of type ${type}`);
  }
}

/** Decodes one whole packet. @throws Error when a server may not send it so */
export function decodeAnswer(level: Level, bytes: Buffer, bodyAt: number): Answer {
  const first = bytes[0] ?? 0;
  const reader = new Reader(bytes.subarray(bodyAt));
  const type = first >> 4;
  const flags = first & 0x0f;
  if (type !== 3 && flags !== (type === 6 ? 2 : 0)) throw new Error(`the server set flags: ${bytes.toString("hex")}`);
  if (type === 14 && level !== 5) throw new Error("the server sent DISCONNECT, which is a client's before 5.0");
  const answer = decodeBody(level, type, flags, reader);
  if (reader.left > 0) throw new Error(`the server's packet has bytes left over: ${bytes.toString("hex")}`);
  return answer;
}

/** The value of a property that may come once. */
export function propertyOf(
  answer: { readonly properties: AnswerProperties },
  name: PropertyName,
): PropertyValue | undefined {
  return answer.properties.find(([found]) => found === name)?.[1];
}

/** All values of a property, in order. */
export function propertiesOf(answer: { readonly properties: AnswerProperties }, name: PropertyName): PropertyValue[] {
  return answer.properties.filter(([found]) => found === name).map(([, value]) => value);
}

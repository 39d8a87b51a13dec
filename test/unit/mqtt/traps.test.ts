import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import { refusalKinds } from "../../../core/mqtt/refusals.ts";
import { TopicCache } from "../../../core/mqtt/topic-cache.ts";
import { feed, hex, under } from "./support.ts";
import { traps } from "./traps.ts";

const mqtt = "0004 4d515454";

const cases = traps.map(
  ([what, level, bytes, kind, clause, reasonCode, sender = "client"]) =>
    [what, level, bytes, kind, clause, reasonCode, sender] as const,
);

describe("the decoder refuses", () => {
  it.each(cases)("%s (level %s: %s) as %s [%s]", (_what, level, text, kind, clause, reasonCode, sender) => {
    const bytes = hex(text);
    const refusal = expect.objectContaining({ kind, clause, reasonCode });
    expect(decodePacket(bytes, under(level, sender))).toEqual({ kind: "refused", refusal });
    // However it comes, and whatever follows.
    for (const sizes of [[1], [2, 3], [bytes.length + 9]]) {
      const stream = new PacketStream(under(level, sender));
      expect(feed(stream, new Uint8Array([...bytes, ...hex("c000")]), sizes)).toEqual([{ kind: "refused", refusal }]);
      expect(stream.pendingBytes).toBe(0);
    }
  });

  it("each thing that it has a name for", () => {
    const met = new Set(traps.map(([, , , kind]) => kind));
    expect(refusalKinds.filter((kind) => !met.has(kind))).toEqual([]);
  });
});

describe("a refused CONNECT", () => {
  const levelOf = (text: string) => {
    const result = decodePacket(hex(text), under(null));
    return result.kind === "refused" ? [result.refusal.kind, result.refusal.level] : result.kind;
  };
  it("says the level that it asked for, once that was read", () => {
    expect(levelOf(`100c ${mqtt} 06 02 0000 0000`)).toEqual(["protocol_level", 6]);
    expect(levelOf(`100c ${mqtt} 84 02 0000 0000`)).toEqual(["protocol_level", 132]);
    expect(levelOf(`100c ${mqtt} 03 02 0000 0000`)).toEqual(["protocol_level", 3]);
    expect(levelOf(`100c ${mqtt} 04 03 0000 0000`)).toEqual(["connect_reserved_flag", 4]);
    expect(levelOf(`100d ${mqtt} 05 03 0000 00 0000`)).toEqual(["connect_reserved_flag", 5]);
    expect(levelOf("100c 0004 4d515458 04 02 0000 0000")).toEqual(["protocol_name", null]);
    expect(levelOf(`110c ${mqtt} 05`)).toEqual(["connect_header_flags", 5]);
  });
  it("leaves its stream without a level", () => {
    const stream = new PacketStream(under(null));
    stream.push(hex(`100d ${mqtt} 05 03 0000 00 0000`));
    expect(stream.next().kind).toBe("refused");
    expect(stream.level).toBeNull();
  });
});

describe("3.1", () => {
  const mqisdp = "0006 4d5149736470";
  it("doesn't use the header flags of a CONNECT, its reserved flag, or a will's flags without a will", () => {
    for (const first of ["11", "12", "14", "18", "1f"])
      for (const flags of ["02", "03", "0a", "12", "22"])
        for (const cut of [[1], [3], [99]]) {
          const stream = new PacketStream(under(null));
          const items = feed(stream, hex(`${first}0f ${mqisdp} 03 ${flags} 0000 0001 63`), cut);
          expect(items).toMatchObject([{ kind: "packet", packet: { type: "connect", level: 3, will: null } }]);
        }
  });
});

/** What mosquitto says nothing to (ADR 0007), beside what it answers. */
describe("a refusal", () => {
  const connectOf = (rest: string): string => {
    const body = hex(`${mqtt} 05 ${rest}`);
    return Buffer.from([0x10, body.length, ...body]).toString("hex");
  };
  const refusals: readonly (readonly [what: string, level: 5 | null, bytes: string, silent: boolean])[] = [
    ["a length of five bytes", 5, "30ffffffff", true],
    ["a length of five bytes, of a server's packet", 5, "d0ffffffff", true],
    ["PINGREQ with a body", 5, "c001 00", true],
    ["PINGREQ with flags", 5, "c100", false],
    ["DISCONNECT with a code of none", 5, "e001 01", true],
    ["DISCONNECT with a server's code", 5, "e001 8b", true],
    ["DISCONNECT with a forbidden property", 5, "e004 00 02 17 00", false],
    ["PUBACK with a code of none", 5, "4003 0001 01", false],
    ["a topic that is no text", 5, "3004 0001 ff 00", false],
    ["a filter that is no text", 5, "8207 0001 00 0001 ff 00", false],
    ["a content type that is no text", 5, "3008 0001 61 04 03 0001 ff", true],
    ["a response topic with a control character", 5, "3008 0001 61 04 08 0001 01", true],
    ["a user property that is no text", 5, "300b 0001 61 07 26 0001 61 0001 00", true],
    ["a content type that is cut off", 5, "3007 0001 61 03 03 0001", false],
    ["CONNECT with header flags", null, `110d ${mqtt} 05`, true],
    ["CONNECT of another protocol", null, "100c 0004 4d515458 05 02 0000 0000", true],
    ["CONNECT of an unknown level", null, `100c ${mqtt} 06 02 0000 0000`, false],
    ["CONNECT without flags", null, connectOf(""), true],
    ["CONNECT with the reserved flag", null, connectOf("03 0000 00 0000"), true],
    ["CONNECT with a will's QoS and no will", null, connectOf("0a 0000 00 0000"), true],
    ["CONNECT with a will's QoS 3 and no will", null, connectOf("1a 0000 00 0000"), false],
    ["CONNECT that ends in the keep-alive", null, connectOf("02 00"), true],
    ["CONNECT that ends before the properties", null, connectOf("02 0000"), false],
    ["CONNECT that ends in the properties", null, connectOf("02 0000 03 21 00"), false],
    ["CONNECT that ends before the client id", null, connectOf("02 0000 00"), true],
    ["CONNECT that ends in the client id", null, connectOf("02 0000 00 0002 61"), true],
    ["CONNECT with a client id that is no text", null, connectOf("02 0000 00 0001 ff"), false],
    ["CONNECT that ends before the will", null, connectOf("06 0000 00 0000"), false],
    ["CONNECT with a will topic that is no text", null, connectOf("06 0000 00 0000 00 0001 ff 0000"), true],
    ["CONNECT that ends before the user name", null, connectOf("82 0000 00 0000"), true],
    ["CONNECT with a user name that is no text", null, connectOf("82 0000 00 0000 0001 ff"), true],
    ["CONNECT that ends in the password", null, connectOf("42 0000 00 0000 0002 61"), true],
    ["CONNECT with a byte left over", null, connectOf("02 0000 00 0000 00"), false],
    ["CONNECT with a forbidden property", null, connectOf("02 0000 02 01 00 0000"), false],
  ];
  it.each(refusals)("of %s (level %s: %s) is silent: %s", (_what, level, bytes, silent) => {
    expect(decodePacket(hex(bytes), under(level))).toMatchObject({ kind: "refused", refusal: { silent } });
  });
});

describe("a name", () => {
  it("is not judged again when it comes again, and what was refused is not remembered", () => {
    const topics = new TopicCache();
    const bytes = Buffer.from("a/\u0085");
    for (let turn = 0; turn < 2; turn += 1)
      expect(() => topics.read(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ kind: "text_control" }));
    expect(topics.read(bytes, 0, 2)).toBe("a/");
  });
  it("alone is judged so: an honest reason string has line breaks", () => {
    const text = hex("610a0d09c285efbfbf");
    const property = (id: string) => [...hex(id), 0, text.length, ...text];
    const puback = (block: readonly number[]) =>
      new Uint8Array([0x40, 4 + block.length, 0, 1, 0, block.length, ...block]);
    expect(decodePacket(puback(property("1f")), under(5))).toMatchObject({ kind: "packet" });
    expect(decodePacket(puback([...property("26"), 0, text.length, ...text]), under(5))).toMatchObject({
      kind: "packet",
    });
  });
});

describe("a length", () => {
  it("is believed only up to the maximum: no memory is taken for what has not come", () => {
    const stream = new PacketStream(under(4));
    stream.push(hex("30 f0ff03"));
    expect(stream.next().kind).toBe("incomplete");
    expect(stream.pendingBytes).toBe(4);
    const other = new PacketStream(under(4, "client", packetBytesMax));
    other.push(hex("30 808004"));
    expect(other.next()).toMatchObject({ refusal: { kind: "packet_too_large" } });
  });
});

import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import { refusalKinds } from "../../../core/mqtt/refusals.ts";
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
    expect(levelOf("1100")).toEqual(["fixed_header_flags", null]);
  });
  it("leaves its stream without a level", () => {
    const stream = new PacketStream(under(null));
    stream.push(hex(`100d ${mqtt} 05 03 0000 00 0000`));
    expect(stream.next().kind).toBe("refused");
    expect(stream.level).toBeNull();
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

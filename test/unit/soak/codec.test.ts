import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import { bytesAllocated } from "../../soak/codec/allocations.ts";
import { createFuzzer, takeAll } from "../../soak/codec/fuzzer.ts";
import { propertyPacket } from "../../soak/codec/mutate.ts";
import { seededRandom } from "../../soak/part.ts";

describe("the MQTT decoder under fuzzing", () => {
  it("neither throws nor holds more than a packet nor depends on how 5,000 damaged inputs are cut", () => {
    const fuzzer = createFuzzer(20_261_122);
    for (let count = 0; count < 5000; count += 1) expect(fuzzer.one()).toBeNull();
  });

  it("refuses a length that is too large from its header alone, before anything is kept", () => {
    const options = { level: 4, sender: "client", packetBytesMax } as const;
    const { items, problem } = takeAll(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f), options, () => 1);
    expect(problem).toBeNull();
    expect(items).toMatchObject([{ kind: "refused", refusal: { kind: "packet_too_large" } }]);
  });
});

describe("the fuzzer", () => {
  it("reaches every kind of input: packets of each level, refusals, ends in the middle", () => {
    const fuzzer = createFuzzer(7);
    for (let count = 0; count < 2000; count += 1) fuzzer.one();
    const [packets, refusals, ends] = [/(\d+) packets/, /(\d+) refusals/, /(\d+) ends/].map((figure) =>
      Number(figure.exec(fuzzer.figures())?.[1]),
    );
    expect(packets).toBeGreaterThan(1000);
    expect(refusals).toBeGreaterThan(500);
    expect(ends).toBeGreaterThan(100);
  });

  it("builds 5.0 packets of which a good part is read, and a good part refused for its properties", () => {
    const random = seededRandom(3);
    const kinds = new Map<string, number>();
    for (let count = 0; count < 2000; count += 1) {
      const sender = count % 2 === 0 ? "client" : "server";
      const result = decodePacket(propertyPacket(random, sender), { level: 5, sender, packetBytesMax });
      const kind = result.kind === "refused" ? result.refusal.kind : result.kind;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(kinds.get("packet")).toBeGreaterThan(300);
    for (const kind of ["property_misplaced", "property_duplicate", "property_overrun", "property_unknown"])
      expect([kind, kinds.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((count: number) => count >= 10)]);
  });

  it("notices memory that is taken for a length", () => {
    expect(bytesAllocated(() => new Uint8Array(70_000))).toBe(70_000);
    expect(bytesAllocated(() => new Uint8Array(new ArrayBuffer(9), 1, 2))).toBe(0);
    expect(new Uint8Array(1).constructor).toBe(Uint8Array);
  });

  it("notices a decoder that holds more than one packet", () => {
    const options = { level: 4, sender: "client", packetBytesMax: 4 } as const;
    const stream = PacketStream.prototype;
    const real = Object.getOwnPropertyDescriptor(stream, "pendingBytes")!;
    Object.defineProperty(stream, "pendingBytes", { configurable: true, get: () => 5 });
    try {
      expect(takeAll(Uint8Array.of(0xc0, 0), options, () => 1).problem).toBe("5 bytes wait");
    } finally {
      Object.defineProperty(stream, "pendingBytes", real);
    }
  });
});

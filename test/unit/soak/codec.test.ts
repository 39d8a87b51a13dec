import { describe, expect, it } from "vitest";
import { packetBytesMax } from "../../../core/limits.ts";
import { PacketStream } from "../../../core/mqtt/packet-stream.ts";
import { createFuzzer, takeAll } from "../../soak/codec/fuzzer.ts";

describe("the MQTT decoder under fuzzing", () => {
  it("neither throws nor holds more than a packet nor depends on how 5,000 damaged inputs are cut", () => {
    const fuzzer = createFuzzer(20_261_122);
    for (let count = 0; count < 5000; count += 1) expect(fuzzer.one()).toBeNull();
  });

  it("refuses a length that is too large from its header alone, before anything is kept", () => {
    const options = { version: 4, sender: "client", packetBytesMax } as const;
    const { items, problem } = takeAll(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f), options, () => 1);
    expect(problem).toBeNull();
    expect(items).toMatchObject([{ kind: "refused", refusal: { kind: "packet_too_large" } }]);
  });
});

describe("the fuzzer", () => {
  it("notices a decoder that holds more than one packet", () => {
    const options = { version: 4, sender: "client", packetBytesMax: 4 } as const;
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

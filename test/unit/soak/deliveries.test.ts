import { describe, expect, it } from "vitest";
import { checkDeliveries, checkRetained } from "../../soak/kills/deliveries.ts";

const publisher = (qos: 1 | 2) => ({ name: "a/load", qos, sent: 4, taken: new Set([0, 1, 2]) });
const judge = (qos: 1 | 2, received: readonly number[]): string | null =>
  checkDeliveries([publisher(qos)], new Map([["a/load", received]]));

describe("messages after kills", () => {
  it.each([1, 2] as const)("at QoS %i may lack what was not acknowledged", (qos) => {
    expect(judge(qos, [0, 1, 2])).toBeNull();
    expect(judge(qos, [0, 1, 2, 3])).toBeNull();
  });

  it("may come again at QoS 1, as a resend brings them, and not at QoS 2", () => {
    expect(judge(1, [0, 1, 2, 1, 2, 3])).toBeNull();
    expect(judge(2, [0, 1, 2, 1, 2, 3])).toContain("message 1 was delivered twice");
  });

  it.each([
    ["message 2 was acknowledged and not delivered", [0, 1, 3]],
    ["message 1 was delivered after 2", [0, 2, 1]],
    ["message 4 was never sent", [0, 1, 2, 4]],
  ])("are refused: %s", (words, received) => {
    expect(judge(1, received)).toContain(words);
    expect(judge(2, received)).toContain(words);
  });

  it("are refused when somebody published them who did not", () => {
    expect(checkDeliveries([publisher(1)], new Map([["b/load", [0]]]))).toContain("b/load, which published nothing");
  });
});

describe("retained messages after kills", () => {
  const acknowledged = new Map([["a/retained/0", 7]]);

  it("may be newer than the last acknowledgement", () => {
    expect(checkRetained(acknowledged, new Map([["a/retained/0", 7]]))).toBeNull();
    expect(checkRetained(acknowledged, new Map([["a/retained/0", 9]]))).toBeNull();
  });

  it("are refused when one is gone or older", () => {
    expect(checkRetained(acknowledged, new Map())).toContain("is gone; 7 was acknowledged");
    expect(checkRetained(acknowledged, new Map([["a/retained/0", 6]]))).toContain("is 6 again; 7 was acknowledged");
  });
});

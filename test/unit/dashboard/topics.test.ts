import { describe, expect, it } from "vitest";
import { parseStatus } from "../../../workers/dashboard/src/live/presence.ts";
import { deviceOf, matches, repliesOf, statusOf, telemetryOf } from "../../../workers/dashboard/src/live/topics.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("handing a message to those who asked for it", () => {
  it("takes + for one level, no more and no less", () => {
    const every = statusOf("org_a", "+");
    expect(matches(every, statusOf("org_a", "dev_1"))).toBe(true);
    expect(matches(every, telemetryOf("org_a", "dev_1"))).toBe(false);
    expect(matches(every, `${statusOf("org_a", "dev_1")}/more`)).toBe(false);
    expect(matches(every, "sentinel/org_a/devices/dev_1")).toBe(false);
  });

  it("keeps one device's replies from another's", () => {
    expect(matches(repliesOf("org_a", "dev_1"), "sentinel/org_a/devices/dev_1/replies/cmd_9")).toBe(true);
    expect(matches(repliesOf("org_a", "dev_1"), "sentinel/org_a/devices/dev_2/replies/cmd_9")).toBe(false);
  });

  it("names the device a topic speaks of, and none for a foreign topic", () => {
    expect(deviceOf(statusOf("org_a", "dev_1"))).toBe("dev_1");
    expect(deviceOf("other/org_a/devices/dev_1/status")).toBeNull();
    expect(deviceOf("sentinel/org_a/alerts/dev_1")).toBeNull();
  });
});

describe("reading presence", () => {
  it("reads both states, with or without a time", () => {
    const at = "2026-01-02T03:04:05Z";
    expect(parseStatus(bytes(`{"state":"online","at":"${at}"}`))).toEqual({ online: true, at });
    expect(parseStatus(bytes('{"state":"offline"}'))).toEqual({ online: false, at: null });
  });

  it.each(["", "online", "{}", '{"state":"asleep"}', '["online"]'])("takes %j for no presence at all", (text) => {
    expect(parseStatus(bytes(text))).toBeNull();
  });

  it("drops a time that is none, and bytes that are no text", () => {
    expect(parseStatus(bytes('{"state":"online","at":"soon"}'))).toEqual({ online: true, at: null });
    expect(parseStatus(new Uint8Array([0xff, 0xfe]))).toBeNull();
  });
});

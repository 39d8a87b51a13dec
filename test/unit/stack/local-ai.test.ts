import { describe, expect, it } from "vitest";
import { localAi } from "../../../scripts/stack/local-ai.ts";

describe("Workers AI on this machine", () => {
  it.each([undefined, ""])("is not there unless somebody says what stands in its place: %j", (origin) => {
    expect(localAi(origin)).toEqual({});
  });

  it("is the real binding, with its other end on loopback", () => {
    const remoteProxyConnectionString = new URL("http://127.0.0.1:9000");
    expect(localAi("http://127.0.0.1:9000")).toEqual({ ai: { binding: "AI", remoteProxyConnectionString } });
  });

  it.each([
    "https://example.com",
    "http://192.168.0.1:9000",
    "127.0.0.1:9000",
    "http://127.0.0.1:1,http://127.0.0.1:2",
  ])("is nothing but one origin on loopback: %s", (origin) => {
    expect(() => localAi(origin)).toThrow("LOOPBACK_WORKERS_AI");
  });
});

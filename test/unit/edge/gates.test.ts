import { describe, expect, it } from "vitest";
import { bodyBytesDefaultMax, requestTargetBytesMax } from "../../../core/limits.ts";
import { onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import { floodGate } from "../../../workers/edge/gates/flood.ts";
import { geoGate } from "../../../workers/edge/gates/geo.ts";
import { headerBytesMax, headerFieldsMax, readAtMost, sizeGate } from "../../../workers/edge/gates/size.ts";
import { tlsGate } from "../../../workers/edge/gates/tls.ts";
import { hashSecret } from "../../../workers/edge/verify-credential.ts";
import { contextOf, nowMs, orgPolicy } from "./contexts.ts";

const me = "https://s.example/api/v1/me";
const mqtt = "https://s.example/mqtt/demo";
const login = "https://s.example/api/v1/auth/login";

describe("tls", () => {
  const lenient = orgPolicy({ tlsDeviceMin: "TLSv1.2" });
  const judge = (url: string, tlsVersion: unknown, org = orgPolicy(), method = "GET") =>
    tlsGate.judge(contextOf(url, { cf: { country: "IN", tlsVersion }, org, init: { method } }));

  it("takes 1.3 from everybody", () => {
    expect(judge(me, "TLSv1.3")).toMatchObject({ kind: "allow" });
  });

  it.each(["TLSv1.2", "TLSv1.1", "TLSv1", "", "tlsv1.3", undefined, null, 1.3])(
    "refuses %j from a person",
    (version) => {
      expect(judge(me, version, lenient)).toEqual({ kind: "deny", code: "tls_required" });
    },
  );

  it("takes 1.2 from a device whose organisation allows it, and nothing older", () => {
    expect(judge(mqtt, "TLSv1.2", lenient)).toMatchObject({ kind: "allow" });
    expect(judge("https://s.example/api/v1/orgs/demo/enroll", "TLSv1.2", lenient, "POST")).toMatchObject({
      kind: "allow",
    });
    expect(judge(mqtt, "TLSv1.2")).toMatchObject({ kind: "deny" });
    expect(judge(mqtt, "TLSv1.1", lenient)).toMatchObject({ kind: "deny" });
    expect(judge("https://s.example/api/v1/orgs/demo/devices", "TLSv1.2", lenient)).toMatchObject({ kind: "deny" });
  });
});

describe("geo", () => {
  const judge = (url: string, country: unknown, countries = ["IN"]) => {
    const org = orgPolicy({ geo: plainGeoPolicy(onlyCountries(countries)) });
    return geoGate.judge(contextOf(url, { cf: { country, tlsVersion: "TLSv1.3" }, org }));
  };

  it("takes what the list names", () => {
    expect(judge(me, "IN")).toMatchObject({ kind: "allow", adds: { country: "IN" } });
    expect(judge(me, "DE", ["IN", "DE"])).toMatchObject({ kind: "allow" });
  });

  it.each(["US", "T1", "XX", "", "in", "IND", undefined, null, ["IN"], 91])("refuses %j", (country) => {
    expect(judge(me, country)).toEqual({ kind: "deny", code: "geo_denied" });
  });

  it("refuses everybody when the list is empty, and Tor even when somebody listed it", () => {
    expect(judge(me, "IN", [])).toMatchObject({ kind: "deny" });
    expect(judge(me, "T1", ["T1", "IN"])).toMatchObject({ kind: "deny" });
    expect(judge(me, "XX", ["XX", "IN"])).toMatchObject({ kind: "deny" });
  });

  it("takes monitors from anywhere where the route says so", () => {
    expect(judge("https://s.example/healthz", "US")).toMatchObject({ kind: "allow", adds: { country: "US" } });
    expect(judge("https://s.example/healthz", undefined)).toMatchObject({ kind: "allow", adds: { country: null } });
  });
});

describe("size", () => {
  const post = (body: BodyInit | null, headers: Record<string, string> = {}) =>
    sizeGate.judge(contextOf(login, { init: { method: "POST", body, headers, duplex: "half" } }));
  const streamOf = (chunks: number, bytes: number): ReadableStream<Uint8Array> => {
    let left = chunks;
    return new ReadableStream({
      pull(controller) {
        if (left === 0) controller.close();
        else controller.enqueue(new Uint8Array(bytes));
        left -= 1;
      },
    });
  };

  it("reads a body that fits, to the byte", async () => {
    const result = await post("x".repeat(bodyBytesDefaultMax));
    expect(result).toMatchObject({ kind: "allow" });
    expect(await post("x".repeat(bodyBytesDefaultMax + 1))).toEqual({ kind: "deny", code: "too_large" });
  });

  it("counts a stream that says nothing of its length", async () => {
    expect(await post(streamOf(65, 1024))).toEqual({ kind: "deny", code: "too_large" });
    expect(await post(streamOf(64, 1024))).toMatchObject({ kind: "allow" });
  });

  it("does not believe a length that is too small", async () => {
    expect(await post(streamOf(65, 1024), { "Content-Length": "5" })).toMatchObject({ kind: "deny" });
  });

  it.each(["65537", "-1", "1e3", "5, 5", "0x10", " ", "9".repeat(20)])(
    "refuses a declared length of %j",
    async (length) => {
      expect(await post("{}", { "Content-Length": length })).toEqual({ kind: "deny", code: "too_large" });
    },
  );

  it("refuses any body where the route takes none", async () => {
    const url = "https://s.example/api/v1/orgs/demo/devices/dev_1/token";
    const judge = (body: BodyInit | null) =>
      sizeGate.judge(contextOf(url, { org: orgPolicy(), init: { method: "POST", body, duplex: "half" } }));
    expect(await judge("x")).toMatchObject({ kind: "deny", code: "too_large" });
    expect(await judge(streamOf(1, 1))).toMatchObject({ kind: "deny", code: "too_large" });
    expect(await judge("")).toEqual({ kind: "allow", adds: { body: null } });
    expect(await judge(null)).toEqual({ kind: "allow", adds: { body: null } });
  });

  it("bounds the request target and the headers", async () => {
    const get = (url: string, headers: Record<string, string> = {}) =>
      sizeGate.judge(contextOf(url, { init: { headers } }));
    const long = `${me}?${"x".repeat(requestTargetBytesMax - "/api/v1/me?".length)}`;
    expect(await get(long)).toMatchObject({ kind: "allow" });
    expect(await get(`${long}x`)).toMatchObject({ kind: "deny", code: "too_large" });
    expect(await get(me, { Cookie: "x".repeat(headerBytesMax) })).toMatchObject({ kind: "deny", code: "too_large" });
    const many = Object.fromEntries(Array.from({ length: headerFieldsMax + 1 }, (_item, index) => [`x-${index}`, "1"]));
    expect(await get(me, many)).toMatchObject({ kind: "deny", code: "too_large" });
  });

  it("reads a body for a path that is not there, for the WAF to judge, and no more of it than of any other", async () => {
    const judge = (body: BodyInit) =>
      sizeGate.judge(contextOf("https://s.example/nowhere", { init: { method: "POST", body, duplex: "half" } }));
    expect(await judge("a=b")).toMatchObject({ kind: "allow", adds: { body: new TextEncoder().encode("a=b") } });
    expect(await judge(streamOf(1024, 65))).toMatchObject({ kind: "deny", code: "too_large" });
  });

  it("stops reading with the first byte over the cap", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024));
      },
    });
    expect(await readAtMost(endless, 4096)).toBe("too_large");
    expect(pulled).toBeLessThan(8);
  });
});

describe("flood", () => {
  it("counts by address until the credential was verified here, then by the credential's hash", async () => {
    const keys: string[] = [];
    const FLOOD = {
      limit: async ({ key }: { key: string }) => {
        keys.push(key);
        return { success: true };
      },
    };
    const headers = { Authorization: "Bearer abc.def.ghi", "CF-Connecting-IP": "2001:db8:1:2::9" };
    const context = contextOf(me, { init: { headers }, env: { FLOOD } });
    expect(await floodGate.judge(context)).toEqual({ kind: "allow", adds: {} });
    context.isolate.verifiedCredentials.set(await hashSecret("abc.def.ghi"), true, nowMs + 1);
    await floodGate.judge(context);
    expect(keys).toEqual(["address:2001:db8:1:2::/64", `credential:${await hashSecret("abc.def.ghi")}`]);
    expect(keys.join()).not.toContain("abc.def.ghi");
  });

  it("sheds with 429 and says when to come back", async () => {
    const context = contextOf(me, { env: { FLOOD: { limit: async () => ({ success: false }) } } });
    expect(await floodGate.judge(context)).toEqual({
      kind: "deny",
      code: "rate_limited",
      headers: { "Retry-After": "60", "RateLimit-Policy": '"flood";q=1200;w=60', RateLimit: '"flood";r=0;t=60' },
    });
  });
});

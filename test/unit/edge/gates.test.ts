import { describe, expect, it, vi } from "vitest";
import { bodyBytesDefaultMax, rateLimitMax, requestTargetBytesMax } from "../../../core/limits.ts";
import { floodGate } from "../../../workers/edge/gates/flood.ts";
import { geoGate } from "../../../workers/edge/gates/geo.ts";
import { limitGate, limitKey, rateHeaders } from "../../../workers/edge/gates/limit.ts";
import { headerBytesMax, headerFieldsMax, readAtMost, sizeGate } from "../../../workers/edge/gates/size.ts";
import { tlsGate } from "../../../workers/edge/gates/tls.ts";
import { hashSecret } from "../../../workers/edge/verify-credential.ts";
import { contextOf, nowMs, orgId, orgPolicy, userId } from "./contexts.ts";

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
  const judge = (url: string, country: unknown, geoCountries = ["IN"]) =>
    geoGate.judge(contextOf(url, { cf: { country, tlsVersion: "TLSv1.3" }, org: orgPolicy({ geoCountries }) }));

  it("takes what the list names", () => {
    expect(judge(me, "IN")).toEqual({ kind: "allow", adds: { country: "IN" } });
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
    expect(judge("https://s.example/healthz", "US")).toEqual({ kind: "allow", adds: { country: "US" } });
    expect(judge("https://s.example/healthz", undefined)).toEqual({ kind: "allow", adds: { country: null } });
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
      headers: { "Retry-After": "60" },
    });
  });
});

describe("limit", () => {
  const neverAsked = async (): Promise<never> => {
    throw new Error("counted in the other way");
  };
  const user = { kind: "user", via: "bearer", accessToken: "t", user: userId, org: orgId } as const;
  const org = orgPolicy();
  const context = contextOf("https://s.example/api/v1/orgs/demo/devices", { org });
  const none = { kind: "none" } as const;

  it("counts a person in their organisation, wherever they are", () => {
    expect(limitKey("default", { ...context, credential: user })).toBe(`default:user:${userId}:${orgId}`);
    expect(limitKey("default", { ...context, credential: { ...user, org: null } })).toBe(`default:user:${userId}:-`);
  });

  it("counts whoever is not verified yet by address and organisation: a made-up device token is no new name", () => {
    const counted = `mqtt_connect:address:127.0.0.1:${orgId}`;
    const device = { kind: "device", token: "sdt_x" } as const;
    expect(limitKey("mqtt_connect", { ...context, credential: device })).toBe(counted);
    expect(limitKey("mqtt_connect", { ...context, credential: none })).toBe(counted);
  });

  it("counts guesses by address, whoever is signed in and under whichever organisation", () => {
    expect(limitKey("sign_in", { ...context, credential: user })).toBe("sign_in:address:127.0.0.1:-");
    expect(limitKey("enrollment", { ...context, credential: user })).toBe(`enrollment:address:127.0.0.1:${orgId}`);
  });

  it("keeps every key under the object's bound", () => {
    const device = { kind: "device", token: "x" } as const;
    for (const credential of [user, device, none])
      expect(limitKey("mqtt_connect", { ...context, credential }).length).toBeLessThan(256);
  });

  it("asks for the scaled limit in a minute, and refuses with the fields of the draft", async () => {
    const consume = vi.fn(async () => ({ allowed: false, limit: 250, remaining: 0, resetSeconds: 6.2 }));
    const scaled = contextOf(me, { env: { LIMITS: { consume, lease: neverAsked }, LIMIT_SCALE: "2.5" } });
    expect(await limitGate.judge({ ...scaled, credential: user })).toEqual({
      kind: "deny",
      code: "rate_limited",
      headers: { "Retry-After": "7", "RateLimit-Policy": '"default";q=250;w=60', RateLimit: '"default";r=0;t=7' },
    });
    expect(consume).toHaveBeenCalledWith(`default:user:${userId}:${orgId}`, 250, 60_000);
    expect(
      rateHeaders({
        policy: "assets",
        windowMs: 60_000,
        decision: { allowed: true, limit: 600, remaining: 599, resetSeconds: 0 },
      }),
    ).toEqual({
      "RateLimit-Policy": '"assets";q=600;w=60',
      RateLimit: '"assets";r=599;t=1',
    });
  });

  it("asks for the largest limit that can be counted, however far it is scaled", async () => {
    const consume = vi.fn(async () => ({ allowed: true, limit: 1, remaining: 0, resetSeconds: 1 }));
    const scaled = contextOf(me, { env: { LIMITS: { consume, lease: neverAsked }, LIMIT_SCALE: "1000000" } });
    await limitGate.judge({ ...scaled, credential: user });
    expect(consume).toHaveBeenCalledWith(expect.any(String), rateLimitMax, 60_000);
  });

  it("counts upgrades in blocks, in a window that is longer by the life of a permit", async () => {
    const lease = vi.fn(async (_key: string, limit: number, _windowMs: number, permits: number) => ({
      granted: permits,
      decision: { allowed: true, limit, remaining: limit - permits, resetSeconds: 61 },
    }));
    const upgrade = contextOf("https://s.example/mqtt/demo", { org, env: { LIMITS: { consume: neverAsked, lease } } });
    const judged = [];
    for (let index = 0; index < 3; index += 1) judged.push(await limitGate.judge({ ...upgrade, credential: none }));
    const key = `mqtt_connect:address:127.0.0.1:${orgId}`;
    expect(lease.mock.calls).toEqual([
      [key, 600, 61_000, 1],
      [key, 600, 61_000, 2],
    ]);
    // The object's window holds the whole block; what this isolate has of it is left all the same.
    expect(judged.map((result) => result.kind === "allow" && result.adds.rate?.decision.remaining)).toEqual([
      599, 599, 598,
    ]);
    expect(judged[0]).toMatchObject({ kind: "allow", adds: { rate: { policy: "mqtt_connect", windowMs: 60_000 } } });
  });

  it("does not hang the health of the edge on an object", async () => {
    const health = contextOf("https://s.example/healthz");
    expect(await limitGate.judge({ ...health, credential: none })).toEqual({ kind: "allow", adds: { rate: null } });
  });
});

import { describe, expect, it } from "vitest";
import { bearer, india, origin, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { asked, lastCall, recorded } from "./recorders.ts";

describe("to studio", () => {
  it("goes a request rebuilt from an allow-list, and nothing a client claims about itself", async () => {
    const org = await publishOrg();
    const { token } = await signIn(org.org);
    await send(`/api/v1/orgs/${org.slug}/devices?limit=5&cursor=a%2Fb`, {
      headers: {
        ...bearer(token),
        Accept: "application/json",
        "Idempotency-Key": "k",
        "User-Agent": "curl/8",
        Cookie: "theme=dark",
        "X-Forwarded-For": "8.8.8.8",
        "X-Sentinel-Org": "org_forged",
        "X-Sentinel-Route": "health",
        "X-Sentinel-Credential": "cookie",
        "X-Sentinel-Client-Ip": "8.8.8.8",
        "X-Sentinel-Anything": "x",
        "X-HTTP-Method-Override": "DELETE",
        Forwarded: "for=8.8.8.8",
      },
    });
    const { what, headers } = lastCall("STUDIO");
    expect(what).toBe(`GET /api/v1/orgs/${org.slug}/devices?limit=5&cursor=a%2Fb`);
    expect(headers).toEqual({
      accept: "application/json",
      authorization: `Bearer ${token}`,
      "idempotency-key": "k",
      "user-agent": "curl/8",
      "x-sentinel-client-ip": expect.stringMatching(/^10\.0\./),
      "x-sentinel-country": "IN",
      "x-sentinel-credential": "bearer",
      "x-sentinel-geo": expect.stringMatching(/^\{"country":"IN","asn":null,"ip":"10\.0\.[\d.]+","surface":"api",/),
      "x-sentinel-org": org.org,
      "x-sentinel-request-id": expect.stringMatching(/^req_/),
      "x-sentinel-route": "listDevices",
    });
  });

  it("goes HEAD as GET, and comes back without a body", async () => {
    const answer = await send("/api/openapi.json", { method: "HEAD" });
    expect([answer.status, await answer.text(), answer.headers.get("Content-Type")]).toEqual([
      200,
      "",
      "application/json",
    ]);
    expect(lastCall("STUDIO").what).toBe("GET /api/openapi.json");
  });

  it("goes our cookie alone, and only to sign in", async () => {
    const { cookie } = await signIn();
    await sendJson("/api/v1/auth/login", {}, { Cookie: `theme=dark; ${cookie}`, Origin: origin });
    expect(lastCall("STUDIO").headers["cookie"]).toBe(cookie);
  });

  it("goes the cookie of a known browser where somebody proves themselves, if there is but one", async () => {
    const device = "__Host-sentinel_device=usr_x.aa.1.bb-_";
    await sendJson("/api/v1/auth/login", {}, { Cookie: `theme=dark; ${device}`, Origin: origin });
    expect(lastCall("STUDIO").headers["cookie"]).toBe(device);
    for (const cookies of [`${device}; ${device}2`, `${device}%0a`, "__Host-sentinel_device=", "sentinel_device=x"]) {
      await sendJson("/api/v1/auth/login", {}, { Cookie: cookies, Origin: origin });
      expect(lastCall("STUDIO").headers).not.toHaveProperty("cookie");
    }
  });

  it("lets a cookie back from sign-in and no other route, and no inward header at all", async () => {
    recorded.studio = () =>
      new Response("{}", {
        headers: {
          "Set-Cookie": "__Host-sentinel_session=new",
          "Content-Type": "application/json",
          "X-Powered-By": "x",
          "X-Sentinel-Org": "y",
          "Access-Control-Allow-Origin": "*",
        },
      });
    const login = await sendJson("/api/v1/auth/login", {});
    expect(login.headers.get("Set-Cookie")).toBe("__Host-sentinel_session=new");
    const other = await send("/api/openapi.json");
    for (const name of ["Set-Cookie", "X-Powered-By", "X-Sentinel-Org", "Access-Control-Allow-Origin"])
      expect(other.headers.has(name)).toBe(false);
    expect(other.headers.get("X-Request-Id")).toMatch(/^req_/);
  });

  it("passes studio's own refusals on, with the edge's headers", async () => {
    recorded.studio = () =>
      Response.json({ code: "slug_taken" }, { status: 409, headers: { "Content-Type": "application/problem+json" } });
    const { token } = await signIn();
    const answer = await sendJson("/api/v1/orgs", { name: "A" }, bearer(token));
    expect([answer.status, answer.headers.get("Content-Type"), answer.headers.has("RateLimit")]).toEqual([
      409,
      "application/problem+json",
      true,
    ]);
  });
});

describe("to the hub", () => {
  it("goes an upgrade with the organisation's id and the verified token", async () => {
    const org = await publishOrg();
    const { cookie, token } = await signIn(org.org);
    const answer = await send(`/mqtt/${org.slug}?x=1`, {
      headers: {
        Upgrade: "websocket",
        "Sec-WebSocket-Protocol": "mqtt",
        Cookie: cookie,
        Origin: origin,
        "X-Sentinel-Org": "org_forged",
      },
    });
    expect([answer.status, answer.headers.get("Sec-WebSocket-Protocol")]).toEqual([101, "mqtt"]);
    expect(answer.headers.get("X-Request-Id")).toMatch(/^req_/);
    expect(answer.headers.get("Strict-Transport-Security")).toContain("max-age=");
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { what, headers } = lastCall("DEVICE_GATEWAY");
    expect(what).toBe(`/mqtt/${org.org}`);
    expect(headers).toMatchObject({
      authorization: `Bearer ${token}`,
      "x-sentinel-org": org.org,
      "sec-websocket-protocol": "mqtt",
    });
    expect(headers).not.toHaveProperty("cookie");
    const socket = answer.webSocket;
    if (socket === null) throw new Error("no socket");
    socket.accept();
    const echoed = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.send("hi");
    expect(await echoed).toBe("echo hi");
    socket.close();
  });

  it("goes a device's token untouched, counted by its address: nobody has verified it yet", async () => {
    const org = await publishOrg();
    const answer = await send(`/mqtt/${org.org}`, {
      headers: { Upgrade: "websocket", "CF-Connecting-IP": "198.51.100.7", ...bearer("sdt_device-token") },
    });
    expect(answer.status).toBe(101);
    expect(lastCall("DEVICE_GATEWAY").headers["authorization"]).toBe("Bearer sdt_device-token");
    expect(lastCall("LIMITS").what).toBe(`address:198.51.100.7:${org.org} mqtt_connect 600 61000 1`);
  });

  it.each([
    ["?device=dev_01jzq6y2k3fabv5n6p7q8r9s0t", "?device=dev_01jzq6y2k3fabv5n6p7q8r9s0t"],
    ["?x=1&device=dev_01jzq6y2k3fabv5n6p7q8r9s0t&y=2", "?device=dev_01jzq6y2k3fabv5n6p7q8r9s0t"],
    ["?device=usr_01jzq6y2k3fabv5n6p7q8r9s0t", ""],
    ["?device=dev_%0d%0a", ""],
    ["?device=", ""],
  ])("goes of the query %s the device that it is for, and nothing else", async (query, forwarded) => {
    const org = await publishOrg();
    await send(`/mqtt/${org.org}${query}`, { headers: { Upgrade: "websocket" } });
    expect(lastCall("DEVICE_GATEWAY").what).toBe(`/mqtt/${org.org}${forwarded}`);
  });

  it("goes a socket without credentials too: CONNECT will carry them", async () => {
    const org = await publishOrg();
    expect((await send(`/mqtt/${org.org}`, { headers: { Upgrade: "websocket" } })).status).toBe(101);
    expect(lastCall("DEVICE_GATEWAY").headers).not.toHaveProperty("authorization");
  });

  it("goes nothing that is no upgrade", async () => {
    const org = await publishOrg();
    const answer = await send(`/mqtt/${org.org}`);
    expect(answer.headers.get("Upgrade")).toBe("websocket");
    expect(await outcome(answer)).toBe("426 upgrade_required");
    expect(asked().filter((call) => call.startsWith("DEVICE_GATEWAY"))).toEqual([]);
  });
});

describe("the edge's own answers", () => {
  it("shows public members of the keys and nothing else", async () => {
    const answer = await send("/.well-known/jwks.json");
    // As long as our own units use a set, so that a revoked key is gone from everybody's.
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=60");
    const etag = answer.headers.get("ETag") ?? "";
    const again = await send("/.well-known/jwks.json", { headers: { "If-None-Match": `"other", W/${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const { keys } = (await answer.json()) as { keys: Record<string, unknown>[] };
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([["alg", "crv", "kid", "kty", "use", "x"]]);
  });

  it("names the keys of audit logs, as the last part of a verifier's key, to everybody everywhere, and nothing else of them", async () => {
    const answer = await send("/.well-known/sentinel-log-key", { cf: { ...india, country: "FR" } });
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=60");
    const key = (fill: number): string => btoa(String.fromCharCode(1, ...new Uint8Array(32).fill(fill)));
    const changed = "2026-02-01T00:00:00.000Z";
    expect(await answer.json()).toEqual({
      keys: [
        { algorithm: "Ed25519", key: key(2), made_at: changed, retired_at: null },
        { algorithm: "Ed25519", key: key(1), made_at: "1970-01-01T00:00:00.000Z", retired_at: changed },
      ],
    });
  });

  it("serves the shell for every page of the application", async () => {
    const org = await publishOrg();
    for (const path of [
      "/",
      `/o/${org.slug}`,
      `/o/${org.slug}/devices/dev_1`,
      "/sign-in",
      "/register",
      "/verify-email",
      "/invitation",
      "/sign-in/callback?code=4%2F0Ab&state=s&iss=https%3A%2F%2Faccounts.google.com&scope=openid%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email",
      "/forgot-password",
      "/reset-password",
      "/confirm-email",
      "/account/security",
    ]) {
      const answer = await send(path, { headers: { Accept: "text/html" } });
      expect([answer.status, await answer.text(), answer.headers.get("Cache-Control")]).toEqual([
        200,
        "<!doctype html>",
        "no-cache",
      ]);
      expect(lastCall("ASSETS").what).toBe("GET /");
      expect(answer.headers.has("Set-Cookie")).toBe(false);
    }
  });

  it("lets hashed files be kept for ever, and says so when there is none", async () => {
    const file = await send("/assets/index-BX3k9_aQ.js");
    expect([file.status, file.headers.get("Cache-Control")]).toEqual([200, "public, max-age=31536000, immutable"]);
    expect((await send("/assets/index-BX3k9_aQ.js", { headers: { "If-None-Match": '"v1"' } })).status).toBe(304);
    expect(await outcome(await send("/assets/missing-BX3k9_aQ.js"))).toBe("404 not_found");
    expect(await outcome(await send("/assets/index-BX3k9_aQ.js", { method: "POST" }))).toBe("405 method_not_allowed");
  });
});

describe("the agent's program", () => {
  it("is a file to keep, asked for again each time", async () => {
    const answer = await send("/download/sentinel-agent.mjs");
    expect([answer.status, await answer.text()]).toEqual([200, "run()"]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "content-disposition": 'attachment; filename="sentinel-agent.mjs"',
      "cache-control": "no-cache",
      etag: '"v1"',
    });
    const again = await send("/download/sentinel-agent.mjs", { headers: { "If-None-Match": '"v1"' } });
    expect([again.status, again.headers.get("Cache-Control")]).toEqual([304, "no-cache"]);
  });

  it("is the only thing there", async () => {
    for (const path of ["/download", "/download/other.mjs", "/download/sentinel-agent.mjs.map"])
      expect(await outcome(await send(path))).toBe("404 not_found");
  });
});

describe("strict headers", () => {
  const strict = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
  };

  it("stand on every kind of answer", async () => {
    const org = await publishOrg();
    const answers = await Promise.all([
      send("/"),
      send("/assets/index-BX3k9_aQ.js"),
      send("/healthz"),
      send("/api/openapi.json"),
      send("/nowhere"),
      send("/.env"),
      send("/api/v1/me"),
      send("/", { cf: null }),
      send(`/mqtt/${org.org}`),
    ]);
    for (const answer of answers) {
      const headers = Object.fromEntries(answer.headers);
      expect(headers).toMatchObject(strict);
      expect(headers["x-request-id"]).toMatch(/^req_[0-9a-z]{26}$/);
      expect(headers["permissions-policy"]).toMatch(/camera=\(\).*geolocation=\(\).*microphone=\(\)/);
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    }
  });

  it("leave passkeys to pages, whose default is this origin alone", async () => {
    expect((await send("/sign-in")).headers.get("Permissions-Policy")).not.toContain("publickey-credentials");
  });

  it("let a page load its own files and nothing inline, and an API answer nothing", async () => {
    const page = await send("/");
    expect(page.headers.get("Content-Security-Policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' wss://s.example; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    const api = await send("/api/openapi.json");
    expect(api.headers.get("Content-Security-Policy")).toBe("default-src 'none'; frame-ancestors 'none'; sandbox");
    expect(api.headers.get("Cache-Control")).toBe("no-store");
  });
});

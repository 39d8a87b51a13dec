import { beforeAll, describe, expect, it } from "vitest";
import { createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

describe("a request", () => {
  const register = { email: "someone@school.test", password, name: "Someone" };
  const post = (options: { body?: unknown; rawBody?: string; headers?: Record<string, string> }) =>
    studio.send("POST", "/api/v1/auth/register", options);

  it.each([
    ["broken JSON", { rawBody: '{"email":' }, 400, "invalid_json"],
    [
      "another content type",
      { rawBody: "a=b", headers: { "Content-Type": "text/plain" } },
      415,
      "unsupported_media_type",
    ],
    ["an unknown field", { body: { ...register, role: "owner" } }, 422, "invalid_request"],
    ["a wrong type", { body: { ...register, name: 7 } }, 422, "invalid_request"],
    ["a long value", { body: { ...register, name: "x".repeat(201) } }, 422, "invalid_request"],
    ["a NUL", { body: { ...register, name: "a\0b" } }, 422, "invalid_request"],
    ["an array for an object", { body: [register] }, 422, "invalid_request"],
    ["a short password", { body: { ...register, password: "too short" } }, 422, "invalid_request"],
    ["too much", { body: { ...register, name: "x".repeat(70_000) } }, 413, "too_large"],
  ])("with %s is refused by name before anything is done", async (_what, options, status, code) => {
    const before = [studio.audit.events.length, studio.mails.length];
    const answer = await post(options);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.headers.get("X-Request-Id")).toBe(answer.requestId);
    expect([studio.audit.events.length, studio.mails.length]).toEqual(before);
  });

  it("shows where it is wrong and none of what it sent", async () => {
    const answer = await post({ body: { ...register, password: "s3cret", extra: "s3cret" } });
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(["password", "extra"]);
    expect(JSON.stringify(answer.body)).not.toContain("s3cret");
  });

  it("with an unknown or repeated query field is refused", async () => {
    const org = await studio.newOrg();
    const list = (query: string) =>
      studio.send("GET", `/api/v1/orgs/${org.id}/members?${query}`, { token: org.owner.token });
    for (const query of ["all=1", "limit=1&limit=2", "limit=201", "limit=%00"])
      expect((await list(query)).status).toBe(422);
  });

  it("for a thing that can't exist is a 404 without asking anybody", async () => {
    const org = await studio.newOrg();
    const before = studio.standIns.calls.length;
    for (const device of ["x", "dev_", "dev_01h455vb4pex5vsknk084sn02Q", "..%2f..", "usr_01h455vb4pex5vsknk084sn02q"]) {
      const answer = await studio.send("GET", `/api/v1/orgs/${org.id}/devices/${device}`, { token: org.owner.token });
      expect([device, answer.status]).toEqual([device, 404]);
    }
    expect(studio.standIns.calls).toHaveLength(before);
  });

  it("that the edge judged as another route, or did not judge, is not served", async () => {
    const { token } = await studio.newAccount();
    const other = await studio.send("GET", "/api/v1/me", { token, headers: { "X-Sentinel-Route": "health" } });
    expect([other.status, other.body.code]).toEqual([400, "malformed_request"]);
    const unnamed = await studio.send("GET", "/api/v1/me", { token, headers: { "X-Sentinel-Request-Id": "mine" } });
    expect(unnamed.body.code).toBe("malformed_request");
  });

  it("with a token of no kind, or none, is told to sign in", async () => {
    const none = await studio.send("GET", "/api/v1/me");
    expect([none.status, none.body.code, none.headers.get("WWW-Authenticate")]).toEqual([
      401,
      "unauthenticated",
      "Bearer",
    ]);
    const unsigned = `${btoa('{"alg":"none","typ":"at+jwt"}')}.${btoa('{"sub":"x"}')}.`.replaceAll("=", "");
    for (const token of ["x", unsigned, "a.b.c"]) {
      expect((await studio.send("GET", "/api/v1/me", { token })).body.code).toBe("invalid_token");
    }
  });

  it("by a cookie alone is nobody's: the edge exchanges cookies, studio reads none", async () => {
    const { cookie } = await studio.newAccount();
    expect((await studio.send("GET", "/api/v1/me", { headers: { Cookie: cookie } })).status).toBe(401);
  });

  it("for telemetry takes at most 2,000 buckets of a range that runs forward", async () => {
    const org = await studio.newOrg();
    const path = `/api/v1/orgs/${org.id}/devices/dev_01h455vb4pex5vsknk084sn02q/telemetry`;
    const ask = async (query: string) =>
      (await studio.send("GET", `${path}?${query}`, { token: org.owner.token })).status;
    expect(await ask("")).toBe(200);
    expect(await ask("from=2026-01-01T00:00:00Z&to=2026-01-01T00:33:20Z&step=1")).toBe(200);
    expect(await ask("from=2026-01-01T00:00:00Z&to=2026-01-01T00:33:21Z&step=1")).toBe(422);
    expect(await ask("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z")).toBe(422);
    expect(await ask("from=yesterday")).toBe(422);
    expect(await ask("step=0")).toBe(422);
  });

  it("whose work a missing part cuts off is 503, and its intent stays open for the reconciler", async () => {
    const org = await studio.newOrg();
    studio.standIns.broken.add("createGroup");
    const body = { name: "lab" };
    const answer = await studio.send("POST", `/api/v1/orgs/${org.id}/groups`, { token: org.owner.token, body });
    studio.standIns.broken.clear();
    expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
    expect(studio.audit.of(answer.requestId).map(({ phase }) => phase)).toEqual(["intent"]);
  });
});

describe("signing out", () => {
  it.each<[string, (own: Harness, token: string) => Promise<[method: string, path: string]>]>([
    ["of this session", async () => ["POST", "/api/v1/auth/logout"]],
    [
      "of one's session by its id",
      async (own, token) => {
        const { body } = await own.send("GET", "/api/v1/me/sessions", { token });
        return ["DELETE", `/api/v1/me/sessions/${body.items[0].id}`];
      },
    ],
  ])("%s can be asked again when a hub could not be told to close its sockets", async (_what, target) => {
    const own = await createHarness();
    const { token } = (await own.newOrg()).owner;
    const [method, path] = await target(own, token);
    own.standIns.broken.add("endSessions");
    expect((await own.send(method, path, { token })).status).toBe(503);
    own.standIns.broken.clear();
    expect((await own.send(method, path, { token })).status).toBe(204);
    expect(own.standIns.calls.at(-1)?.method).toBe("endSessions");
    expect((await own.send("GET", "/api/v1/me", { token })).status).toBe(401);
  });
});

describe("readiness", () => {
  it("asks every part and names the one that fails", async () => {
    const ready = await studio.send("GET", "/readyz");
    expect(ready.status).toBe(200);
    expect(new Set(Object.values(ready.body.checks))).toEqual(new Set(["ok"]));
    const broken = await createHarness((services) => ({
      ...services,
      devices: { ...services.devices, listDevices: () => Promise.reject(new Error("gone")) },
    }));
    const failing = await broken.send("GET", "/readyz");
    expect([failing.status, failing.body.status]).toEqual([503, "failing"]);
    expect(failing.body.checks).toMatchObject({ devices: "failing", control_database: "ok", public_keys: "ok" });
  });
});

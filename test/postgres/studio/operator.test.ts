import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { createHarness, operatorToken } from "./harness.ts";

const rotate = "/api/v1/operator/keys/rotate";
const access = { purpose: "access", emergency: true };
let studio: Awaited<ReturnType<typeof createHarness>>;
beforeAll(async () => {
  studio = await createHarness();
});

describe("an operator's route", () => {
  it("is not there for anyone else, and leaves them nothing in the log", async () => {
    const { token } = await studio.newAccount();
    const none = await studio.send("POST", rotate, { body: access });
    for (const other of [
      token,
      `sop_${randomBytes(32).toString("base64url")}`,
      operatorToken.slice(0, -1),
      `${operatorToken}A`,
      operatorToken.toUpperCase(),
    ]) {
      const answer = await studio.send("POST", rotate, { token: other, body: access });
      expect(answer.status).toBe(404);
      expect({ ...answer.body, request_id: "" }).toEqual({ ...none.body, request_id: "" });
      expect(answer.headers.get("WWW-Authenticate")).toBeNull();
      expect(studio.audit.of(answer.requestId)).toEqual([]);
    }
  });

  it("is not opened by the operator's token in a cookie or in another scheme", async () => {
    for (const headers of [
      { Cookie: `__Host-sentinel_session=${operatorToken}` },
      { Authorization: `Basic ${operatorToken}` },
      { Authorization: operatorToken },
    ]) {
      expect((await studio.send("POST", rotate, { headers, body: access })).status).toBe(404);
    }
  });

  it("is the operator's alone: the token is nobody's session anywhere else", async () => {
    const org = await studio.newOrg();
    for (const path of ["/api/v1/me", `/api/v1/orgs/${org.slug}/devices`]) {
      const answer = await studio.send("GET", path, { token: operatorToken });
      expect(answer.body.code).toBe("invalid_token");
    }
  });

  it("refuses what it does not know, once the operator is known, and that is in the log", async () => {
    for (const body of [{ purpose: "all", emergency: true }, { purpose: "access" }, { ...access, emergency: false }]) {
      const answer = await studio.send("POST", rotate, { token: operatorToken, body });
      expect(answer.body.code).toBe("invalid_request");
      expect(studio.audit.of(answer.requestId).map(({ event }) => event)).toMatchObject([
        { type: "api_call", user_id: null, endpoint: rotate, status_code: 422 },
      ]);
    }
  });
});

describe("an emergency rotation", () => {
  it("is in a platform log as intent and outcome, with every key that was made and revoked", async () => {
    const answer = await studio.send("POST", rotate, { token: operatorToken, body: access });
    expect(answer.status).toBe(200);
    const { kid, revoked } = answer.body as { kid: string; revoked: string[] };
    const entries = studio.audit.of(answer.requestId);
    expect(entries.every(({ log }) => log === null)).toBe(true);
    expect(entries.map(({ event }) => event)).toMatchObject([
      { type: "api_call", status_code: null },
      { type: "api_call", status_code: 200 },
      { type: "key_change", user_id: null, kind: "access_signing_key", key_id: kid, action: "rotated" },
      ...revoked.map((key_id) => ({ type: "key_change", kind: "access_signing_key", key_id, action: "revoked" })),
    ]);
    expect(revoked).not.toContain(kid);
  });

  it("ends every access token within a minute and no session", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    expect((await own.send("GET", "/api/v1/me", { token: account.token })).status).toBe(200);
    await own.send("POST", rotate, { token: operatorToken, body: access });
    own.clock.nowMs += 60_000;
    expect((await own.send("GET", "/api/v1/me", { token: account.token })).body.code).toBe("invalid_token");
    const refreshed = await own.send("POST", "/api/v1/auth/refresh", { body: { refresh_token: account.refreshToken } });
    expect((await own.send("GET", "/api/v1/me", { token: refreshed.body.access_token })).status).toBe(200);
  });

  it("of the mesh's roots is recorded with a certificate of the new one, and calls go on", async () => {
    const own = await createHarness();
    const account = await own.newAccount();
    expect((await own.send("GET", "/api/v1/me", { token: account.token })).status).toBe(200);
    const answer = await own.send("POST", rotate, { token: operatorToken, body: { purpose: "mesh", emergency: true } });
    expect([answer.status, answer.body.revoked]).toEqual([200, ["mesh-1"]]);
    own.clock.nowMs += 60_000;
    expect((await own.send("GET", "/api/v1/me", { token: account.token })).status).toBe(200);
  });

  it("is done once for one Idempotency-Key", async () => {
    const headers = { "Idempotency-Key": randomBytes(9).toString("base64url") };
    const first = await studio.send("POST", rotate, { token: operatorToken, body: access, headers });
    const again = await studio.send("POST", rotate, {
      token: operatorToken,
      body: access,
      headers,
      ip: "203.0.113.99",
    });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import type { RequestId } from "../../../core/ids.ts";
import { claimIdempotencyKey, idempotencyLeaseMs } from "../../../store/control/idempotency.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness, password } from "./harness.ts";

let studio: Harness;
beforeAll(async () => {
  studio = await createHarness();
});

const slug = () => `once-${Math.random().toString(36).slice(2, 12)}`;

describe("Idempotency-Key", () => {
  it("replays the first answer, and the work is done once", async () => {
    const { token } = await studio.newAccount();
    const send = (body: unknown) =>
      studio.send("POST", "/api/v1/orgs", { token, body, headers: { "Idempotency-Key": "make it" } });
    expect((await send({ name: "A", slug: slug() })).status).toBe(422);
    const options = { token, body: { name: "A", slug: slug() }, headers: { "Idempotency-Key": "make-it" } };
    const first = await studio.send("POST", "/api/v1/orgs", options);
    const again = await studio.send("POST", "/api/v1/orgs", options);
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect([first.headers.get("Idempotency-Replayed"), again.headers.get("Idempotency-Replayed")]).toEqual([
      null,
      "true",
    ]);
    expect(again.headers.get("X-Request-Id")).toBe(again.requestId);
    const made = studio.standIns.calls.filter(
      ({ method, args }) => method === "createTenant" && args[0] === first.body.id,
    );
    expect(made).toHaveLength(1);
    expect(studio.audit.of(again.requestId)).toHaveLength(1);
  });

  it("is refused for another request with the same key", async () => {
    const { token } = await studio.newAccount();
    const headers = { "Idempotency-Key": "k1" };
    await studio.send("POST", "/api/v1/orgs", { token, headers, body: { name: "A", slug: slug() } });
    const other = await studio.send("POST", "/api/v1/orgs", { token, headers, body: { name: "B", slug: slug() } });
    expect([other.status, other.body.code]).toEqual([409, "idempotency_conflict"]);
  });

  it("belongs to one person and one route", async () => {
    const headers = { "Idempotency-Key": "shared" };
    const [one, two] = [await studio.newAccount(), await studio.newAccount()];
    const answers = [];
    for (const { token } of [one, two]) {
      answers.push(await studio.send("POST", "/api/v1/orgs", { token, headers, body: { name: "A", slug: slug() } }));
    }
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const logout = await studio.send("POST", "/api/v1/auth/logout", { token: one.token, headers });
    expect(logout.status).toBe(204);
  });

  it("lets one of many simultaneous requests do the work", async () => {
    const { token } = await studio.newAccount();
    const options = { token, body: { name: "A", slug: slug() }, headers: { "Idempotency-Key": "race" } };
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => studio.send("POST", "/api/v1/orgs", options)));
    const first = answers.filter(
      ({ status, headers }) => status === 201 && headers.get("Idempotency-Replayed") === null,
    );
    expect(first).toHaveLength(1);
    const rest = answers.filter((answer) => answer !== first[0]);
    for (const { status, body, headers } of rest) {
      const replayed = status === 201 && headers.get("Idempotency-Replayed") === "true";
      expect(replayed || body.code === "idempotency_in_progress").toBe(true);
    }
    const made = studio.standIns.calls.filter(
      ({ method, args }) => method === "createTenant" && args[0] === first[0]!.body.id,
    );
    expect(made).toHaveLength(1);
  });

  it("is given back when the work failed on our side", async () => {
    const { token } = await studio.newAccount();
    const options = { token, body: { name: "A", slug: slug() }, headers: { "Idempotency-Key": "retry" } };
    studio.standIns.broken.add("createTenant");
    expect((await studio.send("POST", "/api/v1/orgs", options)).status).toBe(503);
    studio.standIns.broken.clear();
    expect((await studio.send("POST", "/api/v1/orgs", options)).status).toBe(201);
  });

  it("can be tried again once the request that held it must have been cut off", async () => {
    const { services } = studio.studio;
    const claim = (requestId: string, nowMs: number) =>
      claimIdempotencyKey(
        services.database,
        { keyHash: "ab".repeat(32), requestHash: "cd".repeat(32), requestId: requestId as RequestId },
        nowMs,
      );
    expect((await claim("req_1", 0)).kind).toBe("claimed");
    expect((await claim("req_2", idempotencyLeaseMs)).kind).toBe("in_progress");
    expect((await claim("req_3", idempotencyLeaseMs + 1)).kind).toBe("claimed");
  });

  it("shows a stolen database no token and no password", async () => {
    const { email } = await studio.newAccount();
    const key = "sign-in-once";
    const options = { body: { email, password }, headers: { "Idempotency-Key": key } };
    const first = await studio.send("POST", "/api/v1/auth/login?tokens=1", options);
    const again = await studio.send("POST", "/api/v1/auth/login?tokens=1", options);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("Set-Cookie")).toBe(first.headers.get("Set-Cookie"));
    const rows = await asSuperuser("SELECT json_agg(k)::text AS dump FROM control.idempotency_keys k");
    const dump = String(rows[0]!.dump);
    expect(dump.length).toBeGreaterThan(100);
    for (const secret of [first.body.access_token, first.body.refresh_token, password, key])
      expect(dump).not.toContain(secret);
  });

  it("lapses after a day", async () => {
    const own = await createHarness();
    const { email } = await own.newAccount();
    const options = { body: { email, password }, headers: { "Idempotency-Key": "daily" } };
    // Yesterday first, then today: a clock ahead would sweep away what other files have just kept.
    own.clock.nowMs -= 24 * 3600_000 + 1;
    const first = await own.send("POST", "/api/v1/auth/login?tokens=1", options);
    own.clock.nowMs += 24 * 3600_000 + 1;
    const next = await own.send("POST", "/api/v1/auth/login?tokens=1", options);
    expect(next.headers.get("Idempotency-Replayed")).toBeNull();
    expect(next.body.refresh_token).not.toBe(first.body.refresh_token);
  });
});

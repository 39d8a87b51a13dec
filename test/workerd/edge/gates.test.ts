import { describe, expect, it, vi } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import { bearer, india, origin, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { asked, lastCall, recorded } from "./recorders.ts";

describe("geo", () => {
  it("takes India and refuses everywhere else, before any object is asked", async () => {
    expect((await send("/api/openapi.json")).status).toBe(200);
    recorded.calls.length = 0;
    for (const country of ["US", "T1", "XX", "", "in", undefined])
      expect(await outcome(await send("/api/openapi.json", { cf: { ...india, country } }))).toBe("403 geo_denied");
    expect(asked()).toEqual([]);
  });

  it("refuses a request of which Cloudflare says nothing", async () => {
    expect(await outcome(await send("/api/openapi.json", { cf: null }))).toBe("403 tls_required");
    expect(await outcome(await send("/api/openapi.json", { cf: { tlsVersion: "TLSv1.3" } }))).toBe("403 geo_denied");
  });

  it("judges by the organisation that is addressed, by id and by slug", async () => {
    const german = await publishOrg({ geo: plainGeoPolicy(onlyCountries(["DE"])) });
    const person = await signIn(german.org);
    for (const named of [german.org, german.slug]) {
      const path = `/api/v1/orgs/${named}/devices`;
      expect((await send(path, { cf: { ...india, country: "DE" }, headers: bearer(person.token) })).status).toBe(200);
      expect(await outcome(await send(path, { headers: bearer(person.token) }))).toBe("403 geo_denied");
    }
    expect(await outcome(await send("/api/v1/me", { cf: { ...india, country: "DE" } }))).toBe("403 geo_denied");
  });

  it("lets monitors ask for health from anywhere", async () => {
    const answer = await send("/healthz", { cf: { ...india, country: "US" } });
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    expect(asked()).toEqual([]);
  });
});

describe("tls", () => {
  it("takes 1.2 only from a device whose organisation allows it", async () => {
    const old = { country: "IN", tlsVersion: "TLSv1.2" };
    const lenient = await publishOrg({ tlsDeviceMin: "TLSv1.2" });
    const strict = await publishOrg();
    const upgrade = { Upgrade: "websocket" };
    expect((await send(`/mqtt/${lenient.org}`, { cf: old, headers: upgrade })).status).toBe(101);
    expect(await outcome(await send(`/mqtt/${strict.org}`, { cf: old, headers: upgrade }))).toBe("403 tls_required");
    expect(await outcome(await send(`/api/v1/orgs/${lenient.org}/devices`, { cf: old }))).toBe("403 tls_required");
  });
});

describe("an unknown organisation", () => {
  it.each(["/api/v1/orgs/nobody-here/devices", "/mqtt/nobody-here", "/o/nobody-here", "/api/v1/orgs/Bad_Name/devices"])(
    "%s is not there, and no object and no unit is asked",
    async (path) => {
      const { cookie } = await signIn();
      expect(
        await outcome(await send(path, { headers: { Cookie: cookie, Upgrade: "websocket", Origin: origin } })),
      ).toBe("404 not_found");
      expect(asked()).toEqual([]);
    },
  );

  it("is answered like an id that never was", async () => {
    const id = makeId("org", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const bodies = await Promise.all(
      [`/api/v1/orgs/${id}/devices`, "/api/v1/orgs/nobody-here/devices", "/nowhere"].map(async (path) => {
        const { request_id, ...body } = (await (await send(path)).json()) as Record<string, unknown>;
        expect(request_id).toMatch(/^req_/);
        return body;
      }),
    );
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it("is refused by name when it is shut, before any credential is looked at, but for the pages", async () => {
    const suspended = await publishOrg({ status: "suspended" });
    const deleting = await publishOrg({ status: "deleting" });
    expect((await send(`/o/${suspended.slug}`)).status).toBe(200);
    for (const path of ["/devices", "", "/auth/providers"])
      expect(await outcome(await send(`/api/v1/orgs/${suspended.slug}${path}`))).toBe("403 org_suspended");
    expect(await outcome(await send(`/mqtt/${suspended.org}`))).toBe("403 org_suspended");
    expect(await outcome(await send(`/mqtt/${deleting.org}`))).toBe("403 org_deleting");
    expect(await outcome(await send(`/api/v1/orgs/${deleting.slug}/devices`))).toBe("403 org_deleting");
    // To look at it, to take it back, and to come in for that.
    expect(await outcome(await send(`/api/v1/orgs/${deleting.slug}`))).toBe("401 unauthenticated");
    expect(await outcome(await send(`/api/v1/orgs/${deleting.slug}/auth/providers`))).not.toContain("org_deleting");
  });

  it("works at once when it is created after it was asked for", async () => {
    const org = await publishOrg();
    expect((await send(`/o/${org.slug}`)).status).toBe(200);
  });
});

describe("the order of refusals", () => {
  it("is tls, size, geo, waf, route, credential, limit", async () => {
    const attack = "/api/v1/me?q=%3Cscript%3E";
    const oversize = { Cookie: "x".repeat(40_000) };
    const abroad = { country: "US", tlsVersion: "TLSv1.3" };
    expect(await outcome(await send(attack, { headers: oversize, cf: { country: "US", tlsVersion: "TLSv1.2" } }))).toBe(
      "403 tls_required",
    );
    expect(await outcome(await send(attack, { headers: oversize, cf: abroad }))).toBe("413 too_large");
    expect(await outcome(await send(attack, { cf: abroad }))).toBe("403 geo_denied");
    expect(await outcome(await send(attack))).toBe("403 waf_denied");
    expect(await outcome(await send("/.env", { cf: abroad }))).toBe("403 geo_denied");
    expect(await outcome(await send("/.env"))).toBe("403 waf_denied");
    expect(await outcome(await send("/nowhere"))).toBe("404 not_found");
    expect(await outcome(await send("/api/v1/me/"))).toBe("400 malformed_request");
    expect(await outcome(await send("/api/v1/me"))).toBe("401 unauthenticated");
    expect(asked()).toEqual([]);
  });

  it("names the methods that would do", async () => {
    const answer = await send("/api/v1/me", { method: "DELETE" });
    expect([answer.headers.get("Allow"), await outcome(answer)]).toEqual(["GET, HEAD", "405 method_not_allowed"]);
    expect(
      await outcome(await send("/api/v1/me", { method: "OPTIONS", headers: { Origin: "https://x.example" } })),
    ).toBe("405 method_not_allowed");
  });
});

describe("size", () => {
  const login = "/api/v1/auth/login";
  const chunked = (chunks: number): ReadableStream<Uint8Array> => {
    let left = chunks;
    return new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new TextEncoder().encode(" ".repeat(1024)));
        else controller.close();
      },
    });
  };

  it("refuses a chunked body past the cap before studio sees a byte", async () => {
    const headers = { "Content-Type": "application/json" };
    expect(await outcome(await send(login, { method: "POST", headers, body: chunked(65) }))).toBe("413 too_large");
    expect(asked()).toEqual([]);
  });

  it("hands on exactly the bytes that were counted", async () => {
    const json = { email: "a@b.example", password: "correct horse नमस्ते" };
    expect((await sendJson(login, json)).status).toBe(200);
    expect(lastCall("STUDIO")).toMatchObject({ what: `POST ${login}`, body: JSON.stringify(json) });
  });

  it("refuses a body where the route takes none", async () => {
    const org = await publishOrg();
    expect(await outcome(await sendJson(`/api/v1/orgs/${org.org}/devices/dev_1/token`, {}))).toBe("413 too_large");
  });
});

describe("waf", () => {
  const register = "/api/v1/auth/register";

  it("refuses an attack in a body, a cookie or an agent, and takes the password as it is", async () => {
    expect(await outcome(await sendJson(register, { name: "<script>x</script>" }))).toBe("403 waf_denied");
    expect(await outcome(await sendJson(register, { name: "x" }, { Cookie: "a=' or '1'='1" }))).toBe("403 waf_denied");
    expect(await outcome(await sendJson(register, { name: "x" }, { "User-Agent": "sqlmap/1.8" }))).toBe(
      "403 waf_denied",
    );
    expect(asked()).toEqual([]);
    expect((await sendJson(register, { name: "O'Brien", password: "' OR 1=1 --<script>" })).status).toBe(200);
  });

  it("refuses a body that it can't read", async () => {
    const post = (body: BodyInit, type: string) =>
      send(register, { method: "POST", headers: { "Content-Type": type }, body });
    expect(await outcome(await post('{"a":', "application/json"))).toBe("400 invalid_json");
    expect(await outcome(await post(new Uint8Array([0x22, 0xff, 0x22]), "application/json"))).toBe("400 invalid_json");
    expect(await outcome(await post("a=b", "application/x-www-form-urlencoded"))).toBe("415 unsupported_media_type");
    expect(await outcome(await post("{}", "application/json; charset=utf-16"))).toBe("415 unsupported_media_type");
    expect(asked()).toEqual([]);
  });
});

describe("flood", () => {
  it("sheds an address, whatever it claims to be, and no other", async () => {
    const codes = new Set<string>();
    for (let index = 0; index < 121; index += 1)
      codes.add(
        await outcome(
          await send("/nowhere", {
            headers: { "X-Forwarded-For": `1.1.1.${index}`, Authorization: `Bearer forged${index}` },
          }),
        ),
      );
    expect(codes).toEqual(new Set(["404 not_found", "429 rate_limited"]));
    const another = { "CF-Connecting-IP": "2001:db8::1" };
    expect(await outcome(await send("/nowhere", { headers: another }))).toBe("404 not_found");
    expect(asked()).toEqual([]);
  });
});

describe("fail closed", () => {
  it.each([
    ["STUDIO", "/api/openapi.json"],
    ["PUBLIC_KEYS", "/.well-known/jwks.json"],
    ["PUBLIC_KEYS", "/.well-known/sentinel-log-key"],
    ["ASSETS", "/"],
  ] as const)("answers 503 when %s is down, and nothing behind it is asked", async (unit, path) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    recorded.down.add(unit);
    expect(await outcome(await send(path))).toBe("503 unavailable");
  });

  it("answers 503 when the session can't be exchanged, and goes no further", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { cookie } = await signIn();
    recorded.down.add("SESSIONS");
    expect(await outcome(await send("/api/v1/me", { headers: { Cookie: cookie } }))).toBe("503 unavailable");
    expect(asked()).toHaveLength(1);
  });

  it("answers 503 when the hub is down", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const org = await publishOrg();
    recorded.down.add("DEVICE_GATEWAY");
    expect(await outcome(await send(`/mqtt/${org.org}`, { headers: { Upgrade: "websocket" } }))).toBe(
      "503 unavailable",
    );
  });

  it("answers all the same when refusals can't be reported", async () => {
    recorded.down.add("EDGE_EVENTS");
    expect(await outcome(await send("/nowhere"))).toBe("404 not_found");
  });
});

describe("refusals", () => {
  it("are folded and reported later, with gate, code, country and organisation", async () => {
    const org = await publishOrg();
    for (let index = 0; index < 20; index += 1)
      await send(`/api/v1/orgs/${org.slug}/devices`, { cf: { ...india, country: "FR" } });
    await vi.waitFor(() => expect(recorded.reports.map(({ country }) => country)).toContain("FR"), {
      timeout: 60_000,
      interval: 200,
    });
    const rows = recorded.reports.filter(({ country }) => country === "FR");
    expect(rows.map(({ org: who, gate, code }) => [who, gate, code])).toEqual([[org.org, "geo", "geo_denied"]]);
    expect(rows[0]?.count).toBe(20);
  });
});

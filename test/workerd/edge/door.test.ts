import { describe, expect, it, vi } from "vitest";
import { type RouteSpec, routes } from "../../../core/routes.ts";
import { bearer, india, origin, outcome, publishOrg, send, sendJson, signIn } from "./harness.ts";
import { asked, lastCall, recorded } from "./recorders.ts";

describe("a body", () => {
  it.each(["gzip", "br", "deflate", "zstd", "gzip, gzip", "x-unknown"])(
    "that is packed (%s) is refused before anything reads it, and the answer says what is taken",
    async (encoding) => {
      const bomb = new Blob([new Uint8Array(4 * 1024 * 1024)]).stream().pipeThrough(new CompressionStream("gzip"));
      const headers = { "Content-Type": "application/json", "Content-Encoding": encoding };
      const answer = await send("/api/v1/auth/login", { method: "POST", headers, body: bomb });
      expect(answer.headers.get("Accept-Encoding")).toBe("identity");
      expect(await outcome(answer)).toBe("415 unsupported_media_type");
      expect(asked()).toEqual([]);
    },
  );

  it("that says it is not packed is taken", async () => {
    expect((await sendJson("/api/v1/auth/login", {}, { "Content-Encoding": "identity" })).status).toBe(200);
  });

  it("nested deeper than anything we read is refused before studio sees it", async () => {
    const deep = `${'{"a":'.repeat(20_000 / 2)}1${"}".repeat(20_000 / 2)}`;
    const headers = { "Content-Type": "application/json" };
    const answer = await send("/api/v1/auth/login", { method: "POST", headers, body: deep });
    expect(answer.status).toBe(403);
    expect(asked()).toEqual([]);
  });
});

const writes = (Object.entries(routes) as [string, RouteSpec][]).filter(
  ([, { method, bodyBytesMax, servedBy }]) => method !== "GET" && bodyBytesMax > 0 && servedBy === "studio",
);

describe("every route that takes a body", () => {
  it("takes JSON in UTF-8 and no other type", async () => {
    const org = await publishOrg();
    const { token } = await signIn(org.org);
    expect(writes.length).toBeGreaterThan(30);
    for (const [name, { method, path, policy, takes }] of writes) {
      const target = path.replace("{org}", org.org).replaceAll(/\{\w+\*?\}/g, "x");
      const own = policy.kind === "operator" ? {} : bearer(token);
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
        // One route is a page's plain form's, and says so in its row of the table.
        if (takes === "form" && type === "application/x-www-form-urlencoded") continue;
        // An address each: limits are another test's subject.
        const headers = { ...own, "Content-Type": type, "CF-Connecting-IP": `2001:db8:${nextAddress()}::1` };
        const answer = await send(target, { method, headers, body: "a=b" });
        expect([name, type, answer.status]).toEqual([name, type, 415]);
      }
    }
    expect(asked()).toEqual([]);
    expect(writes.filter(([, { takes }]) => takes === "form").map(([name]) => name)).toEqual([
      "redeemDocumentTicket",
      "redeemExportTicket",
    ]);
  });
});
let address = 0;
const nextAddress = (): string => {
  address += 1;
  return address.toString(16);
};

describe("headers", () => {
  it("of more than 64 fields, or 32 KiB, are refused", async () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`X-Field-${index}`, "1"]));
    expect(await outcome(await send("/healthz", { headers: many }))).toBe("413 too_large");
    expect(await outcome(await send("/healthz", { headers: { "X-Long": "x".repeat(33 * 1024) } }))).toBe(
      "413 too_large",
    );
  });

  it("that say how a request was rewritten on its way mean nothing and go no further", async () => {
    const { token } = await signIn();
    const overrides = {
      "X-HTTP-Method-Override": "DELETE",
      "X-Original-URL": "/api/v1/operator/keys/rotate",
      "X-Rewrite-URL": "/api/v1/operator/keys/rotate",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Proto": "http",
      Forwarded: "for=1.1.1.1;host=evil.example",
    };
    expect((await send("/api/v1/me", { headers: { ...bearer(token), ...overrides } })).status).toBe(200);
    const { what, headers } = lastCall("STUDIO");
    expect(what).toBe("GET /api/v1/me");
    for (const name of Object.keys(overrides)) expect(headers).not.toHaveProperty(name.toLowerCase());
  });

  it("of methods that no route has are refused by name", async () => {
    for (const method of ["OPTIONS", "PATCH", "DELETE", "PROPFIND"])
      expect(await outcome(await send("/api/v1/auth/login", { method }))).toBe("405 method_not_allowed");
  });
});

describe("an upgrade", () => {
  it("with a cookie is another site's to make no more than a write is", async () => {
    const org = await publishOrg();
    const { cookie } = await signIn(org.org);
    const upgrade = (from: string) =>
      send(`/mqtt/${org.org}`, { headers: { Upgrade: "websocket", Cookie: cookie, Origin: from } });
    for (const from of ["https://evil.example", "null", `${origin}.evil.example`, "http://s.example"])
      expect(await outcome(await upgrade(from))).toBe("403 csrf_denied");
    expect((await upgrade(origin)).status).toBe(101);
  });
});

describe("security.txt", () => {
  it("is there for whoever found something, wherever they are", async () => {
    const answer = await send("/.well-known/security.txt", { cf: { ...india, country: "DE" } });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "text/plain; charset=utf-8"]);
    expect(await answer.text()).toContain("Canonical: https://sentinel.test/.well-known/security.txt\n");
  });
});

/**
 * MDN HTTP Observatory's checks (its scoring tables of 2025): each gives its modifier; what can't be seen without
 * a public host (a redirect from http, the preload list) is left out.
 */
function observatory(headers: Headers): Record<string, number> {
  const csp = new Map(
    (headers.get("Content-Security-Policy") ?? "").split(";").map((part): [string, string[]] => {
      const [name = "", ...values] = part.trim().split(/\s+/);
      return [name, values];
    }),
  );
  const unsafe = [...csp.values()].flat().some((value) => /unsafe|^\*$|^https?:$/.test(value));
  const hsts = headers.get("Strict-Transport-Security") ?? "";
  return {
    csp: unsafe || !csp.has("default-src") ? -20 : csp.get("default-src")?.join() === "'none'" ? 10 : 5,
    frames: csp.get("frame-ancestors")?.join() === "'none'" ? 5 : -20,
    hsts: Number(/max-age=(\d+)/.exec(hsts)?.[1] ?? 0) >= 15_768_000 ? 0 : -20,
    nosniff: headers.get("X-Content-Type-Options") === "nosniff" ? 0 : -5,
    referrer: ["no-referrer", "same-origin", "strict-origin"].includes(headers.get("Referrer-Policy") ?? "") ? 5 : -5,
    corp: headers.get("Cross-Origin-Resource-Policy") === "same-origin" ? 10 : 0,
    cors: headers.get("Access-Control-Allow-Origin") === null ? 0 : -50,
    cookies: headers.getSetCookie().every((cookie) => /^__Host-.*Secure.*HttpOnly.*SameSite/is.test(cookie)) ? 5 : -40,
  };
}
const everyBonus = { csp: 10, frames: 5, hsts: 0, nosniff: 0, referrer: 5, corp: 10, cors: 0, cookies: 5 };

describe("the Observatory", () => {
  it("gives every bonus to every kind of answer", async () => {
    const org = await publishOrg();
    const { token } = await signIn(org.org);
    const kinds: [string, Promise<Response>][] = [
      ["a page", send("/")],
      ["a file", send("/assets/index-BX3k9_aQ.js")],
      ["health", send("/healthz")],
      ["keys", send("/.well-known/jwks.json")],
      ["security.txt", send("/.well-known/security.txt")],
      ["an answer", send("/api/v1/me", { headers: bearer(token) })],
      ["who is not signed in", send("/api/v1/me")],
      ["a country", send("/", { cf: { ...india, country: "US" } })],
      ["an attack", send("/?q=%3Cscript%3Ealert(1)%3C/script%3E")],
      ["nothing there", send("/nowhere")],
      ["too much", send("/healthz", { headers: { "X-Long": "x".repeat(33 * 1024) } })],
      ["no upgrade", send(`/mqtt/${org.org}`)],
    ];
    for (const [kind, answer] of kinds) expect([kind, observatory((await answer).headers)]).toEqual([kind, everyBonus]);
    recorded.down.add("STUDIO");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(observatory((await send("/api/v1/me", { headers: bearer(token) })).headers)).toEqual(everyBonus);
  });

  it("is a test that can fail", () => {
    expect(observatory(new Headers())).not.toEqual(everyBonus);
    const weak = new Headers({ "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'" });
    expect(observatory(weak)["csp"]).toBe(-20);
  });
});

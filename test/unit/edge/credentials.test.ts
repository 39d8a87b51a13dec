import { describe, expect, it } from "vitest";
import { parseLimitScale } from "../../../workers/edge/env.ts";
import { readPresentedCredential } from "../../../workers/edge/presented-credential.ts";
import { comesFromElsewhere, provesOwnOrigin } from "../../../workers/edge/same-origin.ts";

const own = "https://s.example";
const read = (headers: Record<string, string>) => readPresentedCredential(new Headers(headers));
const session = (value: string): string => `__Host-sentinel_session=${value}`;

describe("what a request presents", () => {
  it("takes the bearer and ignores the cookie beside it", () => {
    expect(read({ Authorization: "Bearer a.b-c_d", Cookie: session("s1") })).toEqual({
      kind: "bearer",
      token: "a.b-c_d",
    });
    expect(read({ Authorization: "bearer a" })).toEqual({ kind: "bearer", token: "a" });
  });

  it.each([
    "Basic dTpw",
    "Bearer",
    "Bearer ",
    "Bearer a b",
    "Bearer a, Bearer b",
    "Token a",
    "Bearer \u00e9",
    `Bearer ${"a".repeat(9000)}`,
  ])("does not fall back to the cookie when Authorization is %j", (Authorization) => {
    expect(read({ Authorization, Cookie: session("s1") })).toEqual({ kind: "malformed", source: "bearer" });
  });

  it("reads exactly our cookie", () => {
    expect(read({ Cookie: `a=b; ${session("abc-_X")}; c=d` })).toEqual({ kind: "cookie", secret: "abc-_X" });
    expect(read({ Cookie: `sentinel_session=x; X${session("y")}` })).toEqual({ kind: "none" });
    expect(read({})).toEqual({ kind: "none" });
  });

  it("takes an API key for no session: in a cookie it would be an account planted in somebody's browser", () => {
    const key = `sak_${"a".repeat(43)}`;
    expect(read({ Cookie: session(key) })).toEqual({ kind: "malformed", source: "cookie" });
    expect(read({ Authorization: `Bearer ${key}` })).toEqual({ kind: "bearer", token: key });
  });

  it.each([session(""), session("a b"), session('"a"'), session("a".repeat(257)), `${session("a")}; ${session("b")}`])(
    "takes %j for no credential of ours",
    (Cookie) => {
      expect(read({ Cookie })).toEqual({ kind: "malformed", source: "cookie" });
    },
  );
});

describe("same origin", () => {
  it.each([
    [{ Origin: own }, true, false],
    [{ Origin: own, "Sec-Fetch-Site": "same-origin" }, true, false],
    [{}, false, false],
    [{ "Sec-Fetch-Site": "same-origin" }, false, false],
    [{ Origin: "https://evil.example" }, false, true],
    [{ Origin: "null" }, false, true],
    [{ Origin: "http://s.example" }, false, true],
    [{ Origin: "https://s.example:444" }, false, true],
    [{ Origin: "https://s.example.evil.example" }, false, true],
    [{ Origin: own, "Sec-Fetch-Site": "same-site" }, false, true],
    [{ Origin: own, "Sec-Fetch-Site": "cross-site" }, false, true],
  ])("%j proves it: %j, comes from elsewhere: %j", (fields, proves, elsewhere) => {
    const headers = new Headers(fields as Record<string, string>);
    expect(provesOwnOrigin(headers, own)).toBe(proves);
    expect(comesFromElsewhere(headers, own)).toBe(elsewhere);
  });
});

describe("LIMIT_SCALE", () => {
  it.each([undefined, "", "0", "0.5", "-1", "1e3", "NaN", "Infinity", "9999999", 2])(
    "stops the Worker when it is %j",
    (text) => {
      expect(() => parseLimitScale(text)).toThrow(RangeError);
    },
  );
  it("is a plain number", () => {
    expect([parseLimitScale("1"), parseLimitScale("1000"), parseLimitScale("2.5")]).toEqual([1, 1000, 2.5]);
  });
});

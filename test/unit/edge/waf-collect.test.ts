import { describe, expect, it } from "vitest";
import { collect, inputsMax, jsonDepthMax, TooComplex } from "../../../workers/edge/gates/waf/collect.ts";
import { decide } from "../../../workers/edge/gates/waf/decide.ts";

const base = { rawPath: "/", rawQuery: null, headers: new Headers(), json: undefined, exemptions: [] };
const passwordIsOpaque = [{ field: "body.password", why: "test" }] as const;
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}"x y"${"]".repeat(depth)}`);

describe("collecting", () => {
  it("sees keys, strings, query, agent, referer and foreign cookies", () => {
    const inputs = collect({
      ...base,
      rawQuery: "a+b=c%20d",
      headers: new Headers({
        "User-Agent": "u a",
        Referer: "r://r",
        Cookie: "__Host-sentinel_session=s3cr3t_secret; theme=d k; other",
        "X-Other": "not looked at",
      }),
      json: { k: ["v w", { l: 1 }] },
    });
    expect(inputs).toEqual([
      { target: "path", text: "/" },
      { target: "query_name", text: "a b" },
      { target: "query_value", text: "c%20d" },
      { target: "user_agent", text: "u a" },
      { target: "referer", text: "r://r" },
      { target: "cookie", text: "d k" },
      { target: "body_key", text: "body.k" },
      { target: "body_value", text: "v w" },
      { target: "body_key", text: "body.k.l" },
    ]);
  });

  it("never hands the session secret to the rules", () => {
    const headers = new Headers({ Cookie: "__Host-sentinel_session=<script>" });
    expect(decide({ ...base, headers })).toMatchObject({ allowed: true, findings: [] });
  });

  it("exempts exactly the field that the route names", () => {
    const attack = "' OR 1=1 --";
    const judge = (json: unknown): boolean => decide({ ...base, json, exemptions: passwordIsOpaque }).allowed;
    expect(judge({ email: "a@b.example", password: attack })).toBe(true);
    expect(judge({ email: attack, password: "x" })).toBe(false);
    expect(judge({ user: { password: attack } })).toBe(false);
    expect(judge([{ password: attack }])).toBe(true);
    expect(judge({ "password ": attack })).toBe(false);
  });

  it("judges the parsed string, not its spelling", () => {
    const json = JSON.parse('{"a":"\\u003cscr\\u0069pt\\u003e"}');
    expect(decide({ ...base, json }).allowed).toBe(false);
  });

  it("sees a prototype key that JSON.parse made an own property", () => {
    expect(decide({ ...base, json: JSON.parse('{"a":{"__proto__":{"admin":true}}}') }).allowed).toBe(false);
    expect(decide({ ...base, json: JSON.parse('{"constructor":{"prototype":{"x":1}}}') }).allowed).toBe(false);
  });

  it("refuses what is too deep or too much to judge", () => {
    expect(collect({ ...base, json: nested(jsonDepthMax) })).toHaveLength(2);
    expect(() => collect({ ...base, json: nested(jsonDepthMax + 1) })).toThrow(TooComplex);
    expect(() => collect({ ...base, json: new Array(inputsMax).fill("a b") })).toThrow(TooComplex);
    expect(() => collect({ ...base, json: new Array(inputsMax).fill("a-b") })).not.toThrow(TooComplex);
  });
});

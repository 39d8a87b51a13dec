import { describe, expect, it } from "vitest";
import {
  collect,
  inputsMax,
  jsonDepthMax,
  TooComplex,
  type WafRequest,
} from "../../../workers/edge/gates/waf/collect.ts";
import { decide } from "../../../workers/edge/gates/waf/decide.ts";
import { readBody } from "../../../workers/edge/gates/waf/read-body.ts";

const base: WafRequest = { rawPath: "/", rawQuery: null, headers: new Headers(), body: null, exemptions: [] };
const passwordIsOpaque = [{ field: "body.password", why: "test" }] as const;
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}"x y"${"]".repeat(depth)}`);
const json = (value: unknown): WafRequest => ({ ...base, body: { kind: "json", value } });
const sent = (body: string, type: string): WafRequest => ({
  ...base,
  body: readBody(new TextEncoder().encode(body), type),
});
const texts = (request: WafRequest): string[] => collect(request).map(({ target, text }) => `${target}: ${text}`);
const multipart = (...parts: string[]): WafRequest =>
  sent(`${parts.map((part) => `--B\r\n${part}\r\n`).join("")}--B--\r\n`, 'multipart/form-data; boundary="B"');
const attack = "' OR 1=1 --";

describe("collecting", () => {
  it("sees keys, strings, query, headers and foreign cookies", () => {
    const request: WafRequest = {
      ...base,
      rawPath: "/a/b%27c",
      rawQuery: "a+b=c%20d",
      headers: new Headers({
        "User-Agent": "u a",
        Referer: "r://r?q=s%20t",
        Cookie: "__Host-sentinel_session=s3cr3t_secret; theme=d k; other",
        "X-Other": "looked at",
        Authorization: "Bearer not.looked.at",
        Accept: "text/html, */*;q=0.8",
      }),
      body: { kind: "json", value: { "k.": ["v w", { $l: 1 }], plain: "x" } },
    };
    expect(texts(request)).toEqual([
      "path: /a/b%27c",
      "path: b%27c",
      "query_name: a b",
      "query_value: c%20d",
      "header: looked at",
      "user_agent: u a",
      "referer: r://r?q=s%20t",
      "referer: s%20t",
      "cookie: d k",
      "body_key: body.k.",
      "body_key: k.",
      "body_value: v w",
      "body_key: body.k..$l",
      "body_key: $l",
    ]);
  });

  it("never hands the session secret to the rules", () => {
    const headers = new Headers({ Cookie: "__Host-sentinel_session=<script>" });
    expect(decide({ ...base, headers })).toMatchObject({ allowed: true, findings: [] });
  });

  it("exempts exactly the field that the route names", () => {
    const judge = (value: unknown): boolean => decide({ ...json(value), exemptions: passwordIsOpaque }).allowed;
    expect(judge({ email: "a@b.example", password: attack })).toBe(true);
    expect(judge({ email: attack, password: "x" })).toBe(false);
    expect(judge({ user: { password: attack } })).toBe(false);
    expect(judge([{ password: attack }])).toBe(true);
    expect(judge({ "password ": attack })).toBe(false);
    const form = { ...sent(new URLSearchParams({ password: attack }).toString(), "application/x-www-form-urlencoded") };
    expect(decide(form).allowed).toBe(false);
    expect(decide({ ...form, exemptions: passwordIsOpaque }).allowed).toBe(true);
  });

  it("judges the parsed string, not its spelling", () => {
    expect(decide(json(JSON.parse('{"a":"\\u003cscr\\u0069pt\\u003e"}'))).allowed).toBe(false);
  });

  it("sees a prototype key that JSON.parse made an own property", () => {
    expect(decide(json(JSON.parse('{"a":{"__proto__":{"admin":true}}}'))).allowed).toBe(false);
    expect(decide(json(JSON.parse('{"constructor":{"prototype":{"x":1}}}'))).allowed).toBe(false);
  });

  it("reads JSON inside a string, encoded or not, and base64 as what they are", () => {
    expect(texts(json({ a: '{"b":"c d","$e":1}' }))).toEqual([
      "path: /",
      "body_value: c d",
      "body_key: body.a.$e",
      "body_key: $e",
    ]);
    expect(texts({ ...base, rawQuery: "f=%7B%22b%22%3A%22c%20d%22%7D" })).toContain("query_value: c d");
    const encoded = btoa(JSON.stringify({ q: "<script>alert(1)</script>" }));
    expect(decide({ ...base, headers: new Headers({ Cookie: `state=${encoded}` }) }).allowed).toBe(false);
    expect(decide(json({ a: btoa(btoa(attack)) })).allowed).toBe(false);
    expect(decide({ ...base, rawPath: `/${btoa(attack)}` }).allowed).toBe(false);
    expect(decide({ ...base, rawQuery: `a=${btoa("'>>>or 1=1 -- ~~~ ' or 1=1 --")}` }).allowed).toBe(false);
    expect(decide(sent(btoa(attack), "")).allowed).toBe(false);
    expect(decide(json({ a: btoa(JSON.stringify({ id: "5", name: "O'Brien", ok: true })) })).allowed).toBe(true);
  });

  it("reads a form, each part of an upload, and the text of XML", () => {
    expect(texts(sent("a%24=b+c&d=e", "application/x-www-form-urlencoded"))).toEqual([
      "path: /",
      "body_key: body.a%24",
      "body_key: a%24",
      "body_value: b c",
    ]);
    const upload = multipart(
      'Content-Disposition: form-data; name="t"\r\n\r\nx y',
      'Content-Disposition: form-data; name="f"; filename="a b.txt"\r\nContent-Type: text/plain\r\n\r\nc d',
    );
    expect(texts(upload)).toEqual(["path: /", "body_value: x y", "file_name: a b.txt", "file_content: c d"]);
    expect(texts(sent('<a b="c d">e f<![CDATA[g h]]></a>', "application/xml")).slice(2)).toEqual([
      "body_value: e f",
      "body_value: c d",
      "body_value: g h",
    ]);
    expect(decide(sent("<a><b>' or 'x' > 'a</b></a>", "text/xml")).allowed).toBe(false);
  });

  it("judges a body whatever it calls itself", () => {
    const payload = JSON.stringify({ a: attack });
    for (const type of [
      "application/json",
      "text/plain",
      "application/octet-stream",
      "",
      "application/x-www-form-urlencoded",
      "image/png",
    ])
      expect(decide(sent(payload, type)).allowed).toBe(false);
    expect(decide(sent(`{"a": "${attack}"`, "application/json")).allowed).toBe(false);
    expect(decide(sent(`a=${encodeURIComponent(attack)}`, "text/plain")).allowed).toBe(false);
    expect(decide(sent(`--B\r\n\r\n${attack}`, "multipart/form-data")).allowed).toBe(false);
  });

  it("judges what a repeated name adds up to", () => {
    const rawQuery = "id=1/*&id=*/union/*&id=*/select/*&id=*/password/*&id=*/from users";
    expect(decide({ ...base, rawQuery }).allowed).toBe(false);
    expect(decide({ ...base, rawQuery: "tag=a&tag=b's&tag=c" }).allowed).toBe(true);
  });

  it("refuses what is too deep or too much to judge", () => {
    expect(collect(json(nested(jsonDepthMax)))).toHaveLength(2);
    expect(() => collect(json(nested(jsonDepthMax + 1)))).toThrow(TooComplex);
    expect(() => collect(json(new Array(inputsMax).fill("a b")))).toThrow(TooComplex);
    expect(() => collect(json(new Array(inputsMax).fill("a-b")))).not.toThrow(TooComplex);
  });
});

describe("documents", () => {
  const prose =
    "The report of the committee was read to the members.\nNobody had anything to say about it, so we went on.\nThen we had tea.\n";
  const allowed = (body: string): boolean => decide(json({ body })).allowed;

  it("may hold code", () => {
    expect(allowed(`${prose}SELECT * FROM users WHERE id = 1 OR 1=1; DROP TABLE x;\n${prose}`)).toBe(true);
    expect(allowed(`${prose}\n\`\`\`html\n<script>start()</script>\n\`\`\`\n${prose}`)).toBe(true);
  });

  it("may not hold script outside what Markdown marks as code", () => {
    expect(allowed(`${prose}<script>start()</script>\n${prose}`)).toBe(false);
    expect(allowed(`${prose}\`\`\`\n<img src=x onerror=alert(1)>\n${prose}`)).toBe(false);
  });

  it("hide nothing behind lines or characters of padding", () => {
    for (const kilobytes of [8, 32, 128]) {
      const lines = prose.repeat((kilobytes * 1024) / prose.length);
      expect(allowed(`${lines}${attack}`)).toBe(false);
      expect(allowed(`${attack}\n${lines}`)).toBe(false);
      const filler = "A".repeat(kilobytes * 1024);
      expect(allowed(`${filler}${attack}`)).toBe(false);
      expect(allowed(`${" ".repeat(kilobytes * 1024)}${attack}`)).toBe(false);
      expect(decide(json({ filler, a: attack })).allowed).toBe(false);
      expect(decide({ ...base, rawQuery: `f=${filler.slice(0, 7000)}&a=${encodeURIComponent(attack)}` }).allowed).toBe(
        false,
      );
    }
  });
});

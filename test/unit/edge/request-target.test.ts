import { describe, expect, it } from "vitest";
import { matchRoute, routes } from "../../../core/routes.ts";
import { isUnambiguousPath, readRequestTarget } from "../../../workers/edge/request-target.ts";

/** Paths that two servers may read differently. Each is some published bypass. */
const ambiguousPaths = [
  "",
  "api/v1/me",
  "//api/v1/me",
  "/api//v1/me",
  "/api/v1/me/",
  "/api/v1/./me",
  "/api/v1/../v1/me",
  "/api/v1/me/.",
  "/api/v1/me/..",
  "/api/v1%2fme",
  "/api/v1%2Fme",
  "/api/v1/%6de",
  "/api/v1/me%00",
  "/api/v1/me%20",
  "/api/v1/me%0d%0a",
  "/%2e%2e/me",
  "/..%2fme",
  "/%252e%252e/me",
  "/api/v1/me%3f",
  "/api/v1/me%23",
  "/api/v1/%c0%ae%c0%ae/me",
  "/api\\v1\\me",
  "/api/v1/..\\me",
  "/api/v1/me;x=1",
  "/api/v1/..;/me",
  "/api/v1/me\u0000",
  "/api/v1/me\t",
  "/api/v1/me\u007f",
  "/api/v1/mé",
  "/api/v1/ｍe",
  "/api/v1/me\u2028",
  "/api/v1/me ",
  "/api/v1/orgs/demo%2fmembers",
  "/o/demo/%2e%2e/other",
  "/api/v1/me,x",
  "/api/v1/me:x",
  "/api/v1/me@x",
  "/api/v1/(me)",
  "/api/v1/me'",
  "/api/v1/me+x",
];

describe("paths with two readings", () => {
  it.each(ambiguousPaths)("%j is refused", (path) => {
    expect(isUnambiguousPath(path)).toBe(false);
  });

  it("are refused in a whole URL too, whatever its parser makes of them", () => {
    for (const path of ambiguousPaths.filter((candidate) => candidate.startsWith("/")))
      expect({ path, ...readRequestTarget(`https://s.example${path}`) }).toMatchObject({ unambiguous: false });
    expect(readRequestTarget("https://s.example/o/demo#x").unambiguous).toBe(false);
    expect(readRequestTarget("https://s.example/o/../api?x").unambiguous).toBe(false);
  });

  it("never hide a route: every route's own path is read one way", () => {
    for (const spec of Object.values(routes)) {
      const path = spec.path
        .replace(/\{page\*\}/, "devices/dev_01")
        .replace(/\{file\*\}/, "index-BX3k9_aQ.js")
        .replace(/\{(?:tile|bundle)\*\}/, "0/x001/234")
        .replace(/\{rest\*\}/, "students/7")
        .replace(/\{\w+\}/g, "demo-1");
      const target = readRequestTarget(`https://s.example:8787${path}?a=/../b`);
      expect(target).toMatchObject({
        rawPath: path,
        rawQuery: "a=/../b",
        unambiguous: true,
        origin: "https://s.example:8787",
      });
      expect(matchRoute(spec.method, target.rawPath)).toHaveProperty("route");
    }
  });
});

describe("reading a target", () => {
  it("counts bytes of path and query", () => {
    expect(readRequestTarget("https://s.example/é?x").bytes).toBe(5);
    expect(readRequestTarget("https://s.example")).toMatchObject({
      rawPath: "/",
      rawQuery: null,
      bytes: 1,
      unambiguous: true,
    });
    expect(readRequestTarget("https://s.example?x=1")).toMatchObject({ unambiguous: false });
  });

  it("keeps an empty query apart from none", () => {
    expect(readRequestTarget("https://s.example/?").rawQuery).toBe("");
  });
});

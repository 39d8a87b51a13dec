import { describe, expect, it } from "vitest";
import { findBackendRoute, parsePathPattern, patternText } from "../../../core/backends/backend-route.ts";
import { backendName, parseRegistration } from "../../../core/backends/registration.ts";

const good = {
  base_url: "https://records.school.example/api/",
  mtls_binding: "MTLS_RECORDS",
  organisations: "all",
  routes: [{ methods: ["GET", "PUT"], path: "/students/{student}", roles: ["owner"], query: ["class"] }],
  timeout_ms: 5_000,
};
const read = (more: object) => parseRegistration("BACKEND_RECORDS", { ...good, ...more });

describe("a registration", () => {
  it("is read, as an object or as JSON, with what it leaves out filled in", () => {
    const read = parseRegistration("BACKEND_RECORDS", JSON.stringify(good));
    expect(read).toEqual(parseRegistration("BACKEND_RECORDS", good));
    expect(read).toMatchObject({
      base_url: "https://records.school.example/api",
      retries: 1,
      answer_types: ["application/json"],
      circuit: { window_ms: 30_000, calls_min: 10, failure_ratio: 0.5, open_ms: 15_000 },
    });
  });

  it.each([
    ["no certificate", { mtls_binding: undefined }],
    ["a binding of another kind", { mtls_binding: "DEVICES" }],
    ["a binding that only ends so", { mtls_binding: "AUDIT_MTLS" }],
    ["nobody whose members may", { organisations: undefined }],
    ["an organisation by its slug", { organisations: ["demo"] }],
    ["no time-out", { timeout_ms: undefined }],
    ["a time-out past the edge's", { timeout_ms: 20_001 }],
    ["three retries", { retries: 3 }],
    ["a type that a browser runs", { answer_types: ["text/html"] }],
    ["http", { base_url: "http://records.school.example" }],
    ["this machine", { base_url: "https://127.0.0.1" }],
    ["this machine in octal", { base_url: "https://0177.0.0.1" }],
    ["the metadata service", { base_url: "https://169.254.169.254" }],
    ["a name inside", { base_url: "https://vault.internal" }],
    ["another port", { base_url: "https://records.school.example:8443" }],
    ["a password", { base_url: "https://me:you@records.school.example" }],
    ["a query", { base_url: "https://records.school.example/?a=b" }],
    ["an encoded path", { base_url: "https://records.school.example/%2e%2e" }],
    ["no route", { routes: [] }],
    ["a route for nobody", { routes: [{ methods: ["GET"], path: "/a", roles: [] }] }],
    ["a method that is none", { routes: [{ methods: ["TRACE"], path: "/a", roles: ["owner"] }] }],
    ["a path that climbs", { routes: [{ methods: ["GET"], path: "/a/../b", roles: ["owner"] }] }],
    ["a path that takes all", { routes: [{ methods: ["GET"], path: "/{all*}", roles: ["owner"] }] }],
    ["an open circuit that outlives its object", { circuit: { open_ms: 60_001 } }],
    ["a field that is not known", { verify: false }],
  ])("with %s is refused", (_, more) => {
    expect(() => read(more)).toThrow("BACKEND_RECORDS");
  });

  it("is refused by the place that is wrong, and never shows what stands there", () => {
    expect(() => read({ base_url: "https://s3cret@x" })).toThrow(/^BACKEND_RECORDS: base_url [^3]+$/);
    expect(() => parseRegistration("BACKEND_RECORDS", "{s3cret")).toThrow(/^BACKEND_RECORDS is not JSON$/);
  });

  it("has the name of its variable", () => {
    expect(backendName("BACKEND_SCHOOL_RECORDS")).toBe("school-records");
    for (const variable of [
      "BACKEND_",
      "BACKEND_a",
      "BACKENDS",
      "XBACKEND_A1",
      "BACKEND_1A",
      `BACKEND_${"A".repeat(40)}`,
    ])
      expect(backendName(variable)).toBeNull();
  });
});

describe("a path of a backend", () => {
  const route = (path: string) => ({ methods: ["GET"] as const, path: parsePathPattern(path) ?? [] });
  const routes = [route("/students/{student}"), route("/students/{student}/marks"), route("/about")];
  const found = (rest: string) => {
    const one = findBackendRoute(routes, "GET", rest);
    return one === null ? null : patternText(one.path);
  };

  it("is found by the pattern that takes it", () => {
    expect(found("students/7")).toBe("/students/{student}");
    expect(found("students/a.b-c_d~e/marks")).toBe("/students/{student}/marks");
    expect(found("about")).toBe("/about");
    expect(findBackendRoute(routes, "PUT", "about")).toBeNull();
  });

  it.each([
    "students",
    "students/",
    "students//marks",
    "students/7/",
    "students/7/marks/1",
    "Students/7",
    "students/..",
    "students/.",
    "students/%2e%2e",
    "students/..%2f..%2fadmin",
    "students/%2fadmin",
    "students/7%00",
    "students/7;a=b",
    "students/7?x",
    "students/7#x",
    "students\\7",
    "students/7@evil.test",
    "students/é",
    "students/a b",
    "",
    "/about",
    `students/${"x".repeat(129)}`,
  ])("that is %j is nobody's", (rest) => {
    expect(found(rest)).toBeNull();
  });
});

import { describe, expect, test } from "vitest";
import { commandFlags, helpText } from "../../../agent/cli/flags.ts";
import { parseInvocation } from "../../../agent/cli/parse.ts";
import { enrollPath, readEnrollmentCode } from "../../../agent/enroll/code.ts";
import { parseRetryAfter } from "../../../agent/enroll/request.ts";
import { parseServerUrl } from "../../../agent/enroll/url.ts";

const code = "demo-ABCDE-FGHJK-MNPQR-STVWX";
const enroll = (...more: string[]) => ["enroll", "--url", "https://sentinel.example", "--code", code, ...more];

test("understands each command", () => {
  expect(parseInvocation(enroll("--name", "Lab 3", "--state", "/s", "--ca=/ca.pem", "--force"))).toEqual({
    kind: "enroll",
    origin: "https://sentinel.example",
    code,
    name: "Lab 3",
    state: "/s",
    caFile: "/ca.pem",
    force: true,
  });
  expect(parseInvocation(["enroll", "--url", "http://localhost:8787", "--code", "-"])).toMatchObject({
    code: null,
    origin: "http://localhost:8787",
  });
  expect(parseInvocation(["run"])).toEqual({ kind: "run", state: null, intervalMs: 5000 });
  expect(parseInvocation(["run", "--interval", "0.1"])).toMatchObject({ intervalMs: 100 });
  expect(parseInvocation(["status", "--json"])).toEqual({ kind: "status", state: null, json: true });
  expect(parseInvocation(["--version"])).toEqual({ kind: "version" });
  expect(parseInvocation(["run", "--help"])).toEqual({ kind: "help" });
});

test.each([
  ["missing_command", []],
  ["unknown_command", ["toString"]],
  ["unknown_flag", ["run", "--intervall", "5"]],
  ["unknown_flag", ["status", "-j"]],
  ["unknown_flag", ["run", "--no-verify"]],
  ["unknown_flag", enroll("--insecure")],
  ["missing_flag", ["enroll", "--url", "https://sentinel.example"]],
  ["missing_value", ["run", "--state"]],
  ["missing_value", ["run", "--state="]],
  ["missing_value", ["enroll", "--url", "--code", code]],
  ["repeated_flag", ["run", "--state", "/a", "--state", "/b"]],
  ["unexpected_argument", ["run", "now"]],
  ["unexpected_argument", ["status", "--json=yes"]],
  ["unexpected_argument", ["version", "--", "x"]],
  ["invalid_interval", ["run", "--interval", "0.09"]],
  ["invalid_interval", ["run", "--interval", "3601"]],
  ["invalid_interval", ["run", "--interval", "1e2"]],
  ["invalid_interval", ["run", "--interval", "-1"]],
  ["invalid_path", ["run", "--state", "a\0b"]],
  ["invalid_name", enroll("--name", " ")],
  ["invalid_name", enroll("--name", "x".repeat(101))],
  ["invalid_name", enroll("--name", "a\u202eb")],
  ["invalid_code", ["enroll", "--url", "https://sentinel.example", "--code", "demo/ABC"]],
])("refuses by name %s: %j", (named, args) => {
  expect(parseInvocation(args)).toMatchObject({ kind: "usage_error", code: named });
});

test("never repeats the value of a flag in a refusal", () => {
  for (const args of [enroll("--nam=secretsecret"), ["enroll", "--url", "x", "--code", "secretsecret!"]]) {
    expect(JSON.stringify(parseInvocation(args))).not.toContain("secretsecret");
  }
});

test("has help for every flag", () => {
  for (const flags of Object.values(commandFlags)) {
    for (const [flag, { help }] of Object.entries(flags)) {
      expect(help.length).toBeGreaterThan(10);
      expect(helpText()).toContain(`--${flag}`);
    }
  }
});

describe("server address", () => {
  test.each([
    ["https://sentinel.example", "ok"],
    ["https://sentinel.example:8443/", "ok"],
    ["http://127.0.0.1:8787", "ok"],
    ["http://[::1]:8787", "ok"],
    ["http://sentinel.example", "https_required"],
    ["http://127.0.0.1.sentinel.example", "https_required"],
    ["http://localhost.sentinel.example", "https_required"],
    ["https://user:word@sentinel.example", "invalid_url"],
    ["https://sentinel.example/path", "invalid_url"],
    ["https://sentinel.example/?a", "invalid_url"],
    ["ftp://sentinel.example", "invalid_url"],
    ["sentinel.example", "invalid_url"],
  ])("%s → %s", (text, expected) => {
    const url = parseServerUrl(text);
    expect(url.kind === "ok" ? "ok" : url.code).toBe(expected);
  });
});

test.each([
  [code, "/api/v1/orgs/demo/enroll"],
  ["st-marys-2-ABCDE-FGHJK-MNPQR-STVWX", "/api/v1/orgs/st-marys-2/enroll"],
  ["abcde-fghjk-ABCDE-FGHJK-MNPQR-STVWX", "/api/v1/orgs/abcde-fghjk/enroll"],
  ["demo-abcdefghjkmnpqrstvwx", "/api/v1/orgs/demo/enroll"],
  ["demo-ABC", "/api/v1/enroll"],
])("sends %s to %s", (text, path) => {
  expect(enrollPath(text)).toBe(path);
});

test("takes what can be a code and nothing that could change a path or a line", () => {
  expect(readEnrollmentCode(` ${code}\n`)).toBe(code);
  for (const text of ["", "demo", "../x-y", "a-b/c", "a-\0b", "a-b\nc", `a-${"b".repeat(200)}`])
    expect(readEnrollmentCode(text)).toBeNull();
});

test.each([
  ["5", 5],
  ["0", 0],
  ["soon", null],
  ["-1", null],
  [null, null],
  ["99999999", null],
])("reads Retry-After %s as %s", (value, seconds) => {
  expect(parseRetryAfter(value)).toBe(seconds);
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callOperator } from "../../../scripts/cli/operator.ts";
import { findVerb, parseFlags, verbHelp } from "../../../scripts/cli/parse.ts";

const token = `sop_${"t".repeat(43)}`;
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
let asked: Asked[] = [];
let answers: ((request: Asked) => { status: number; body?: unknown; headers?: Record<string, string> } | null)[] = [];
let server: Server;
let url: string;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "sentinel-operator-"));
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const one = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
    asked.push(one);
    const answer = (answers.shift() ?? (() => ({ status: 200, body: { kid: "new", revoked: ["old"] }, headers: {} })))(
      one,
    );
    if (answer === null) return void request.socket.destroy();
    response.writeHead(answer.status, { "Content-Type": "application/json", ...answer.headers });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  asked = [];
  answers = [];
});

function file(name: string, content: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
function stack(description: object = {}): string {
  const operatorTokenFile = file("operator-token", `${token}\n`);
  file("stack.json", JSON.stringify({ url, databaseUrls: {}, pids: {}, operatorTokenFile, ...description }));
  return dir;
}
/** What a verb that ends well prints, line by line. */
async function runVerb(...args: string[]): Promise<string[]> {
  const found = findVerb(args);
  if (found === "help") throw new Error("help was found");
  const flags = parseFlags(found.verb, found.rest);
  if (flags === "help") return [verbHelp(found.verb)];
  const lines: string[] = [];
  expect(await found.verb.run(flags, (line) => lines.push(line))).toBe(0);
  return lines;
}
const call = { method: "POST", path: "/api/v1/operator/x", body: { a: 1 } } as const;
const problem = (status: number, code: string) => () => ({ status, body: { code, title: `the title of ${code}` } });

describe("a call of the operator's", () => {
  it("goes to the stack of the state folder with its token, once for one Idempotency-Key however often it is tried", async () => {
    answers = [() => null, problem(503, "unavailable")];
    expect(await callOperator({ state: stack() }, call)).toEqual({ kid: "new", revoked: ["old"] });
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual(
      Array.from({ length: 3 }, () => ["POST", call.path, '{"a":1}']),
    );
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(
      Array.from({ length: 3 }, () => `Bearer ${token}`),
    );
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("is given up after three tries, and says how to look", async () => {
    answers = [() => null, () => null, () => null];
    await expect(callOperator({ state: stack() }, call)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("sentinel -- status"),
    });
    expect(asked).toHaveLength(3);
  });

  it.each([
    ["not_found", 404, /not the operator's/],
    ["geo_denied", 403, /country/],
    ["rate_limited", 429, /wait/],
    ["invalid_request", 422, /the title of invalid_request/],
  ])("that is refused as %s says what that means", async (code, status, words) => {
    answers = [problem(status, code)];
    await expect(callOperator({ state: stack() }, call)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    });
  });

  it("does not follow a redirect with the token", async () => {
    answers = Array.from({ length: 3 }, () => () => ({ status: 307, headers: { Location: `${url}/elsewhere` } }));
    await expect(callOperator({ state: stack() }, call)).rejects.toMatchObject({ code: "unreachable" });
    expect(asked.map(({ path }) => path)).not.toContain("/elsewhere");
  });

  it.each<[string, () => Record<string, string>]>([
    ["no_stack", () => ({ state: join(dir, "nowhere") })],
    ["no_token", () => ({ state: stack({ operatorTokenFile: undefined }) })],
    ["no_token", () => ({ url })],
    ["bad_token_file", () => ({ url, "token-file": join(dir, "nowhere") })],
    ["bad_token_file", () => ({ url, "token-file": file("short", "sop_short") })],
    ["bad_token_file", () => ({ url, "token-file": file("open", token, 0o644) })],
  ])("is not made: %s", async (code, flags) => {
    const error = await callOperator(flags(), call).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain("sop_");
    expect(asked).toEqual([]);
  });
});

describe("sentinel keys rotate", () => {
  const run = (...args: string[]) => runVerb("keys", "rotate", ...args);

  it("rotates both purposes, the roots last, and prints names of keys only", async () => {
    const lines = await run("--emergency", "--state", stack());
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([
      { purpose: "access", emergency: true },
      { purpose: "mesh", emergency: true },
    ]);
    expect(lines).toEqual(["access: new signs now; revoked old", "mesh: new signs now; revoked old"]);
  });

  it("rotates one purpose at a deployed address", async () => {
    await run("--emergency", "--purpose", "mesh", "--url", url, "--token-file", file("token", token));
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([{ purpose: "mesh", emergency: true }]);
  });

  it.each([
    ["missing_value", []],
    ["unexpected_argument", ["--emergency=no"]],
    ["unexpected_argument", ["--emergency", "now"]],
    ["repeated_flag", ["--emergency", "--emergency"]],
    ["invalid_value", ["--emergency", "--purpose", "everything"]],
    ["invalid_value", ["--emergency", "--url", "http://sentinel.example"]],
    ["invalid_value", ["--emergency", "--url", "https://me:secret@sentinel.example"]],
    ["conflicting_flags", ["--emergency", "--url", "https://s.example", "--state", "x"]],
  ])("is not understood, and nothing is done: %s %j", async (code, args) => {
    await expect(run(...args)).rejects.toMatchObject({ code, status: 2 });
    expect(asked).toEqual([]);
  });

  it("has help with examples", async () => {
    expect((await run("--help"))[0]).toContain("Examples:\n  npm run sentinel -- keys rotate --emergency");
  });
});

describe("sentinel users", () => {
  const run = (...args: string[]) => runVerb("users", ...args);

  it("disable says whose organisations nobody can act for now", async () => {
    const body = { user_id: "usr_1", organisations_without_owner: ["org_1"], keys_revoked: 2 };
    answers = [() => ({ status: 200, body })];
    expect(await run("disable", "a@b.test", "--state", stack())).toEqual([
      "usr_1 is disabled; 2 API keys were revoked",
      "nobody can act as owner of org_1 now",
    ]);
    expect(asked.map(({ path, body: sent }) => [path, sent])).toEqual([
      ["/api/v1/operator/users/disable", '{"email":"a@b.test"}'],
    ]);
  });

  it("enable lets them in again", async () => {
    answers = [() => ({ status: 200, body: { user_id: "usr_1" } })];
    expect(await run("enable", "a@b.test", "--state", stack())).toEqual(["usr_1 may sign in again"]);
    expect(asked[0]?.path).toBe("/api/v1/operator/users/enable");
  });

  it.each([
    ["missing_argument", ["disable"]],
    ["invalid_value", ["disable", "somebody"]],
    ["unexpected_argument", ["enable", "a@b.test", "c@d.test"]],
    ["unknown_verb", ["remove", "a@b.test"]],
  ])("is not understood, and nobody is asked: %s %j", async (code, args) => {
    await expect(run(...args)).rejects.toMatchObject({ code, status: 2 });
    expect(asked).toEqual([]);
  });
});

import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalBackend, startLocalBackend } from "../support/local-backend.ts";
import { type Api, eventually, signIn } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// The whole stack, and the example of docs/examples/backend.mjs beside it: it verifies what it is told with the keys
// that the stack publishes.

const stateDir = freshStateDir();
let backend: LocalBackend;
let stack: StackProcess;
let owner: Api;

beforeAll(async () => {
  backend = await startLocalBackend({ circuit: { calls_min: 3, open_ms: 1_000 }, retries: 0 });
  process.env["BACKENDS_FILE"] = backend.file;
  stack = await startStackProcess(stateDir, ["--quiet", "--no-agent", "--limit-scale", "1000"]);
  backend.serves(stack.description.url);
  const { email, password } = stack.description.owner;
  owner = (await signIn(stack.description.url, email, password)).api;
});
afterAll(async () => {
  delete process.env["BACKENDS_FILE"];
  await stack?.discard();
  await backend?.stop();
  removeStateDir(stateDir);
});

const things = "/api/v1/orgs/demo/backends/echo/things";
interface Echo {
  readonly [field: string]: unknown;
}

describe("a backend, over the whole stack", () => {
  it("hears who calls, for which organisation, and believes it by the keys that are published", async () => {
    const { status, body, headers } = await owner.send<Echo>("GET", `${things}?page=2`);
    expect([status, body]).toEqual([200, expect.objectContaining({ method: "GET", path: "/api/things?page=2" })]);
    expect(body).toMatchObject({
      organisation: stack.description.org.id,
      role: "owner",
      person: expect.stringMatching(/^usr_/),
      request_id: headers.get("X-Request-Id"),
      trace: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    });
    expect(headers.get("Content-Security-Policy")).toContain("sandbox");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  it("gets what is written, past the firewall, and answers what attacks not at all", async () => {
    const { status, body } = await owner.send<Echo>("POST", things, { note: "hello" });
    expect([status, body["body"]]).toEqual([200, { note: "hello" }]);
    const attack = await owner.send("POST", things, { note: "' UNION SELECT password FROM users--" });
    expect([attack.status, attack.body["code"]]).toEqual([403, "waf_denied"]);
    const climbing = await owner.send("GET", `${things.replace("things", "..%2f..%2fadmin")}`);
    expect(climbing.status).toBeGreaterThanOrEqual(403);
  });

  it("talks to nobody without Sentinel's certificate", async () => {
    const { port } = backend.server.address() as AddressInfo;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () =>
        socket.write("GET /api/things HTTP/1.1\r\nHost: x\r\n\r\n"),
      );
      socket.on("data", (data) => resolve(String(data)));
      socket.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? "error"));
      socket.on("close", () => resolve("closed"));
    });
    expect(answer).not.toContain("HTTP/1.1");
  });

  it("is on record with each call, reads with what came of them and writes before they go", async () => {
    const { body } = await owner.send<{
      items: { event: { endpoint?: string; method?: string; status_code?: number } }[];
    }>("GET", "/api/v1/orgs/demo/audit?type=api_call&limit=50");
    expect(JSON.stringify(body)).toContain("/api/v1/orgs/{org}/backends/{backend}/{rest*}");
  });

  it("that is away is left alone after a few calls, is shown as that, and is found again by itself", async () => {
    const { port } = backend.server.address() as AddressInfo;
    const state = async () =>
      (
        await owner.send<{ items: { state: string; last_failure_at: string | null }[] }>(
          "GET",
          "/api/v1/orgs/demo/backends",
        )
      ).body.items[0];
    expect(await state()).toMatchObject({ state: "closed", last_failure_at: null });
    backend.server.closeAllConnections();
    await new Promise((resolve) => backend.server.close(resolve));
    const seen = new Set<unknown>();
    await eventually("an open circuit", async () => {
      const { body, headers } = await owner.send("GET", things);
      seen.add(body["code"]);
      return body["code"] === "backend_unavailable" ? headers.get("Retry-After") : null;
    });
    expect([...seen]).toEqual(["backend_failed", "backend_unavailable"]);
    expect((await state())?.last_failure_at).not.toBeNull();
    await new Promise<void>((resolve) => backend.server.listen(port, "127.0.0.1", resolve));
    await eventually("a closed circuit", async () => {
      await owner.send("GET", things);
      return (await state())?.state === "closed" ? true : null;
    });
    expect((await owner.send("GET", things)).status).toBe(200);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { status } from "../../../scripts/cli/verbs/status.ts";

/** Above the largest process id of any kernel. */
const nobody = 2 ** 30;

let dir: string;
let server: Server;
let url: string;
let ready = 200;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "sentinel-cli-"));
  server = createServer((request, response) =>
    response.writeHead(request.url === "/readyz" ? ready : 200).end("what it says"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function run(description: unknown): Promise<{ exit: number; lines: string[] }> {
  writeFileSync(
    join(dir, "stack.json"),
    typeof description === "string"
      ? description
      : JSON.stringify({ url, databaseUrls: {}, ...(description as object) }),
  );
  const lines: string[] = [];
  return { exit: await status.run({ state: dir }, (line) => lines.push(line)), lines };
}

describe("sentinel status", () => {
  it("ends with 0 when every process runs and both addresses answer", async () => {
    ready = 200;
    const { exit, lines } = await run({ pids: { workerd: process.pid } });
    expect(lines).toEqual([`✓ workerd (process ${process.pid})`, `✓ ${url}/healthz`, `✓ ${url}/readyz`]);
    expect(exit).toBe(0);
  });

  it.each([nobody, 0, -1])("ends with 1 and says which when process %i is not there", async (pid) => {
    ready = 200;
    const { exit, lines } = await run({ pids: { workerd: process.pid, gateway: pid } });
    expect(exit).toBe(1);
    expect(lines).toContain(`✗ gateway (process ${pid}) is not running`);
  });

  it("ends with 1 and says why when a part is not ready", async () => {
    ready = 503;
    const { exit, lines } = await run({ pids: {} });
    expect(exit).toBe(1);
    expect(lines).toEqual([`✓ ${url}/healthz`, `✗ ${url}/readyz answered 503 what it says`]);
  });

  it("ends with 1 when nobody listens", async () => {
    const { exit, lines } = await run({ url: "http://127.0.0.1:1", pids: {} });
    expect(exit).toBe(1);
    expect(lines[0]).toMatch(/^✗ http:\/\/127\.0\.0\.1:1\/healthz did not answer: /);
  });

  it.each(["{", "null", "[]", '{"url":"http://x"}', '{"url":"x","databaseUrls":{},"pids":{"a":"1"}}'])(
    "refuses a stack.json that no stack wrote: %s",
    async (text) => {
      await expect(run(text)).rejects.toMatchObject({ code: "broken_stack_json" });
    },
  );

  it("refuses a folder without a stack", async () => {
    await expect(status.run({ state: join(dir, "none") }, () => undefined)).rejects.toMatchObject({ code: "no_stack" });
  });
});

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isAlive } from "../../scripts/process-alive.ts";
import { Api, eventually, signIn } from "./support/api.ts";
import {
  failedStart,
  freshStateDir,
  removeStateDir,
  type StackProcess,
  startStackProcess,
} from "./support/stack-process.ts";

const stateDir = freshStateDir();
let running: StackProcess | null = null;
afterAll(async () => {
  await running?.stop();
  removeStateDir(stateDir);
});

/** The processes of a running stack, as it says now. */
function pidsOf(dir: string): Record<string, number> {
  return (JSON.parse(readFileSync(join(dir, "stack.json"), "utf8")) as { pids: Record<string, number> }).pids;
}

describe("npm start", () => {
  it("brings everything up, and keeps its secrets to its own user", async () => {
    running = await startStackProcess(stateDir, ["--port", "0", "--quiet"], { first: true });
    const { description } = running;
    expect(description.url).toMatch(/^http:\/\/localhost:\d+$/);
    for (const file of ["stack.json", "secrets.json", "agent/credentials.json"]) {
      expect(statSync(join(stateDir, file)).mode & 0o777).toBe(0o600);
    }
    for (const pid of Object.values(description.pids)) expect(() => process.kill(pid, 0)).not.toThrow();
    expect(Object.keys(description.databaseUrls)).toHaveLength(2);
    expect((await new Api(description.url).send("GET", "/healthz")).status).toBe(200);
    expect(await new Api(description.url).send("GET", "/readyz")).toMatchObject({
      status: 200,
      body: { status: "ok" },
    });
  });

  it("answers on both loopback addresses", async () => {
    const { port } = new URL(running!.description.url);
    for (const host of ["127.0.0.1", "[::1]"]) expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200);
  });

  it("refuses a folder that another stack holds, and leaves that one alone", async () => {
    const { status, stderr } = await failedStart(["--state", stateDir, "--port", "0"]);
    expect({ status, said: stderr }).toMatchObject({ status: 1, said: expect.stringContaining("state_in_use") });
    expect((await new Api(running!.description.url).send("GET", "/healthz")).status).toBe(200);
  });

  it("stops in order on SIGTERM, with status 0 and no process left", async () => {
    const { pids } = running!.description;
    expect(await running!.stop("SIGTERM")).toBe(0);
    for (const pid of Object.values(pids)) expect(() => process.kill(pid, 0)).toThrow();
  });

  it("keeps organisation, people, device and secrets over a second start on another port", async () => {
    const before = running!.description;
    running = await startStackProcess(stateDir, ["--port", "0", "--quiet"]);
    expect(running.description.org).toEqual(before.org);
    expect(running.description.owner).toEqual(before.owner);
    const { api } = await signIn(running.description.url, before.owner.email, before.owner.password);
    const { body } = await api.send<{ items: unknown[] }>("GET", "/api/v1/orgs/demo/devices");
    expect(body.items).toHaveLength(1);
  });

  it("ends what a killed stack left running, and starts again", async () => {
    const before = running!.description;
    // Only the conductor dies: the database and the agent play on.
    await running!.stop("SIGKILL");
    running = await startStackProcess(stateDir, ["--port", "0", "--quiet"]);
    for (const name of ["workerd", "workerd_passwords", "workerd_pdf_text", "postgres", "postgres_2", "agent"])
      expect(running.description.pids[name]).not.toBe(before.pids[name]);
    expect((await new Api(running.description.url).send("GET", "/readyz")).status).toBe(200);
  });

  it("goes on without the process that hashes passwords, says so at the door, and signs in once it is back", async () => {
    const { url, owner } = running!.description;
    const { api } = await signIn(url, owner.email, owner.password);
    // It is back within a second: on a busy machine a sign-in may come after that, and another is tried.
    const door = await eventually("a sign-in finds it gone", async () => {
      const pid = pidsOf(stateDir)["workerd_passwords"] ?? 0;
      // Between two of them stack.json may still name the one before.
      if (pid === 0 || !isAlive(pid)) return null;
      process.kill(pid, "SIGKILL");
      const [me, asked] = await Promise.all([
        api.send("GET", "/api/v1/me"),
        new Api(url).send("POST", "/api/v1/auth/login", { email: owner.email, password: owner.password }),
      ]);
      expect(me.status).toBe(200);
      return asked.status === 200 ? null : asked;
    });
    expect([door.status, door.body["code"]]).toEqual([503, "unavailable"]);
    await eventually("the owner signs in", () => signIn(url, owner.email, owner.password).catch(() => null));
  });

  it("starts any part again that dies alone, and keeps stack.json true", async () => {
    const { url } = running!.description;
    const read = (): Record<string, number> => pidsOf(stateDir);
    const pids = read();
    for (const pid of Object.values(pids)) process.kill(pid, "SIGKILL");
    await eventually("every part runs under another process id", async () => {
      const now = read();
      return Object.keys(pids).every((name) => now[name] !== undefined && now[name] !== 0 && now[name] !== pids[name]);
    });
    await eventually(
      "every dependency answers",
      async () => (await new Api(url).send("GET", "/readyz").catch(() => null))?.status === 200,
    );
  });

  it.each<[string, string[], number, string]>([
    ["an unknown flag", ["--colour"], 2, "bad_flag"],
    ["a port that is no number", ["--port", "http"], 2, "bad_flag"],
    ["a port beyond 65535", ["--port", "65536"], 2, "bad_flag"],
    ["a limit scale of nothing", ["--limit-scale", "0"], 2, "bad_flag"],
    ["a stray word", ["now"], 2, "bad_flag"],
  ])("refuses %s before it touches anything", async (_what, args, status, code) => {
    const dir = freshStateDir();
    const result = await failedStart(["--state", dir, ...args]);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(code);
    expect(() => statSync(dir)).toThrow();
    removeStateDir(dir);
  });

  it("refuses a port in use by name", async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) =>
      holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port)),
    );
    const dir = freshStateDir();
    const { status, stderr } = await failedStart(["--state", dir, "--port", String(port)]);
    holder.close();
    expect({ status, said: stderr }).toMatchObject({ status: 1, said: expect.stringContaining("port_in_use") });
    removeStateDir(dir);
  });

  it("refuses a broken stack.json by name, and does not overwrite it", async () => {
    const dir = freshStateDir();
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "stack.json"), "{ not json");
    const { status, stderr } = await failedStart(["--state", dir, "--port", "0"]);
    expect({ status, said: stderr }).toMatchObject({ status: 1, said: expect.stringContaining("broken_stack_json") });
    expect(readFileSync(join(dir, "stack.json"), "utf8")).toBe("{ not json");
    removeStateDir(dir);
  });
});

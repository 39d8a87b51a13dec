/**
 * Starts and stops an embedded PostgreSQL 18 server: the real one, with real roles and SCRAM. Two
 * clusters are two placements, because roles are cluster-wide.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { type Account, serverAccount } from "./account.ts";
import { ClusterInUse, clearStaleLock, clusterHome, writeOwned, writeSettings } from "./data-folder.ts";
import { binary, usableNativeFolder } from "./native.ts";

const run = promisify(execFile);

/** Recovery after a crash replays the log first; 1 GiB of it takes well under this. */
const readyMsMax = 120_000;
/** A fast shutdown ends sessions and writes a checkpoint; beyond this it is cut short, which loses nothing either. */
const stopMsMax = 30_000;

/** Backends of a crashed server may outlive it by a moment, and PostgreSQL waits for none of them. */
const afterCrashTriesMax = 10;
const afterCrashDelayMs = 300;

export interface ClusterOptions {
  /** The cluster's own folder; made when missing. */
  readonly dir: string;
  /** The folder of the whole stack, when `dir` is inside it: started as root, its parents are made passable (0711). */
  readonly stateDir?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Of the role `postgres`; fixed when the cluster is first made. */
  readonly superuserPassword: string;
  readonly log: (line: string) => void;
  /**
   * The caller holds the state's lock, so a server that still runs there was orphaned when its stack
   * was killed: stop it and go on. Otherwise such a server is an error.
   */
  readonly replaceOrphan?: boolean;
}

export interface Cluster {
  readonly port: number;
  readonly pid: number;
  /** Where the data lies (not always inside `dir`; see `clusterHome`). */
  readonly home: string;
  /** Resolves when the server has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends every session, writes a checkpoint and returns when the server is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster and returns when it takes connections.
 * @throws ClusterInUse when another server has its files; Error with what to do otherwise
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const account = serverAccount();
  const home = clusterHome(resolve(options.dir), account, options.stateDir ?? null);
  const native = usableNativeFolder(account, home);
  const data = join(home, "data");
  if (!existsSync(data)) {
    options.log("creating the database cluster");
    await initialise(native, home, data, account, options.superuserPassword);
  }
  const crashed = await takeOver(data, options);
  writeSettings(data, account);
  const port = options.port === 0 ? await freePort() : options.port;
  for (let tries = crashed ? afterCrashTriesMax : 1; ; tries -= 1) {
    try {
      return await launch({ account, home, native, data, port, options });
    } catch (error) {
      if (tries === 1) throw error;
      await delay(afterCrashDelayMs);
    }
  }
}

interface Launch {
  readonly account: Account;
  readonly home: string;
  readonly native: string;
  readonly data: string;
  readonly port: number;
  readonly options: ClusterOptions;
}

async function launch({ account, home, native, data, port, options }: Launch): Promise<Cluster> {
  const logPath = join(home, "server.log");
  const logFile = openSync(logPath, "a", 0o600);
  // A group of its own: Ctrl-C in the terminal must not stop the database before its users.
  const child = spawn(binary(native, "postgres"), ["-D", data, "-p", String(port)], {
    ...account,
    cwd: home,
    env: serverEnvironment(),
    stdio: ["ignore", logFile, logFile],
    detached: process.platform !== "win32",
  });
  closeSync(logFile);
  const exited = new Promise<void>((done) => {
    child.once("exit", () => done());
    child.once("error", () => done());
  });
  try {
    await untilReady(child, port, data, options, logPath);
  } catch (error) {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGQUIT");
      await exited;
    }
    throw error;
  }
  return { port, pid: child.pid ?? 0, home, exited, stop: () => stop(child, exited, native, data) };
}

/** Makes sure that no server has the files. @returns true after a crash @throws ClusterInUse */
async function takeOver(data: string, options: ClusterOptions): Promise<boolean> {
  const deadline = Date.now() + stopMsMax;
  for (let asked = false; ; ) {
    try {
      return clearStaleLock(data);
    } catch (error) {
      if (!(error instanceof ClusterInUse) || options.replaceOrphan !== true || Date.now() > deadline) throw error;
      if (!asked) {
        options.log("stopping the server that a killed stack left behind");
        process.kill(error.pid, "SIGINT");
        asked = true;
      }
    }
    await delay(50);
  }
}

/** `initdb` into a folder beside, then a rename: a start cut short begins again. */
async function initialise(
  native: string,
  home: string,
  data: string,
  account: Account,
  password: string,
): Promise<void> {
  const fresh = join(home, "data.new");
  const passwordFile = join(home, "password.new");
  rmSync(fresh, { recursive: true, force: true });
  writeOwned(passwordFile, password, account);
  try {
    await run(
      binary(native, "initdb"),
      [
        "-D",
        fresh,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        `--pwfile=${passwordFile}`,
        "-E",
        "UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
      ],
      { ...account, cwd: home, env: serverEnvironment() },
    );
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`initdb failed: ${stderr?.trim() || (error as Error).message}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(fresh, data);
}

/** Nothing of ours (tokens, PGPASSWORD …) reaches the server; it needs only this. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, LC_ALL: "C", TZ: "UTC", ...(process.platform === "win32" ? { SystemRoot, TEMP } : {}) };
}

async function untilReady(
  child: ChildProcess,
  port: number,
  data: string,
  options: ClusterOptions,
  logPath: string,
): Promise<void> {
  let failed: Error | null = null;
  child.once("error", (error) => {
    failed = error;
  });
  const deadline = Date.now() + readyMsMax;
  for (;;) {
    if (failed !== null) throw failed;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`PostgreSQL stopped while starting; the end of ${logPath} says why.`);
    }
    const client = new Client({
      host: "127.0.0.1",
      port,
      user: "postgres",
      database: "postgres",
      password: options.superuserPassword,
      connectionTimeoutMillis: 2_000,
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ data: string }>("SELECT current_setting('data_directory') AS data");
      await client.end();
      // Another server may hold the port, even one with the same password.
      if (resolve(rows[0]?.data ?? "") === resolve(data)) return;
    } catch (error) {
      await client.end().catch(() => undefined);
      const { code } = error as { code?: string };
      if (code === "28P01")
        throw new Error(
          "PostgreSQL refuses the superuser's password: the state's secrets and its data don't belong together.",
        );
      if (Date.now() > deadline)
        throw new Error(`PostgreSQL was not ready after ${readyMsMax / 1000} s; see ${logPath}.`);
    }
    await delay(25);
  }
}

async function stop(child: ChildProcess, exited: Promise<void>, native: string, data: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === "win32") await run(binary(native, "pg_ctl"), ["stop", "-m", "fast", "-D", data]);
  else child.kill("SIGINT");
  const expiry = new AbortController();
  const late = delay(stopMsMax, "late", { signal: expiry.signal }).catch(() => "done");
  if ((await Promise.race([exited, late])) === "late") child.kill("SIGQUIT");
  expiry.abort();
  await exited;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", done);
  });
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

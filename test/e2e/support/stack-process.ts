import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { childProcesses, commandLine } from "../../../scripts/stack/processes.ts";
import type { StackDescription } from "../../../scripts/stack/stack.ts";
import { repositoryRoot } from "../../../scripts/units.ts";
import { scratchFolder } from "../../support/scratch.ts";

/** `npm start` as a process of its own, just as a person runs it. */
export interface StackProcess {
  readonly stateDir: string;
  readonly description: StackDescription & {
    readonly org: { id: string; slug: string };
    readonly owner: { email: string; password: string };
  };
  /** Sends the signal and waits for the end; the exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /**
   * Ends all of it at once, if it still runs, and throws away what it wrote: for the end of a file. Stopping in order,
   * which loses nothing and takes its time, is stack.test.ts's.
   */
  discard(): Promise<void>;
}

/** Names the state folder that {@link startStackProcess} copies (prepared-state.ts). */
export const preparedStateVariable = "SENTINEL_PREPARED_STATE";

/** A state folder that every uid on the way may pass through. Benches measure a disk; tests need none. */
export function freshStateDir(): string {
  const prefix = "sentinel-e2e-";
  const dir = process.env["VITEST"] === undefined ? mkdtempSync(join(tmpdir(), prefix)) : scratchFolder(prefix);
  chmodSync(dir, 0o711);
  return join(dir, "state");
}

export function removeStateDir(dir: string): void {
  rmSync(join(dir, ".."), { recursive: true, force: true });
}

function launch(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(repositoryRoot, "scripts/bootstrap.mjs"), "scripts/stack/main.ts", ...args], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

interface Start {
  /** What is looked at is the first start of all, which makes databases, roles and the demo organisation. */
  readonly first?: boolean;
}

/**
 * Starts a stack and returns when it printed its `ready ` line. On any free port, unless the flags name one: two
 * files may run side by side. A folder that is not there yet begins as a copy of the prepared one, if there is any.
 */
export async function startStackProcess(
  stateDir: string,
  args: readonly string[] = [],
  { first = false }: Start = {},
): Promise<StackProcess> {
  const prepared = process.env[preparedStateVariable];
  if (prepared !== undefined && !first && !existsSync(stateDir)) await copyState(prepared, stateDir);
  const port = args.includes("--port") ? [] : ["--port", "0"];
  const child = launch(["--state", stateDir, ...port, ...args]);
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (/^ready /m.test(output)) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the stack ended with ${code}:\n${log}`)));
  });
  const description = JSON.parse(readFileSync(join(stateDir, "stack.json"), "utf8")) as StackProcess["description"];
  return {
    stateDir,
    description,
    stop: (signal = "SIGTERM") => {
      // SIGKILL can't be passed on by the first process: it is for the one that conducts.
      if (signal === "SIGKILL") process.kill(Number(readFileSync(join(stateDir, "lock"), "utf8")), signal);
      else child.kill(signal);
      return ended;
    },
    discard: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        if (process.platform === "win32") child.kill();
        else await endAtOnce(Number(readFileSync(join(stateDir, "lock"), "utf8")));
        await ended;
      }
      removeStateDir(stateDir);
    },
  };
}

/** How long killed processes may take to be gone, in milliseconds: a claim about nothing. */
const goneMsMax = 30_000;

/** Ends a conductor and what it conducts. It is held still first, so that it starts nothing again of what ends. */
async function endAtOnce(conductor: number): Promise<void> {
  process.kill(conductor, "SIGSTOP");
  const conducted = childProcesses(conductor);
  process.kill(conductor, "SIGKILL");
  // A PostgreSQL that is killed leaves its shared memory behind: told to quit, it takes that along, and waits for nothing.
  for (const pid of conducted) signal(pid, commandLine(pid).includes("postgres") ? "SIGQUIT" : "SIGKILL");
  const end = Date.now() + goneMsMax;
  for (const pid of conducted) {
    while (commandLine(pid) !== "" && Date.now() < end) await delay(10);
    signal(pid, "SIGKILL");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** With owners and modes: PostgreSQL's files belong to another account where this one is root. */
async function copyState(from: string, to: string): Promise<void> {
  await promisify(execFile)("cp", ["-a", from, to]);
}

/** Runs a start that is expected to refuse: its exit status and what it said. */
export async function failedStart(args: readonly string[]): Promise<{ status: number | null; stderr: string }> {
  const child = launch(args);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { status, stderr };
}

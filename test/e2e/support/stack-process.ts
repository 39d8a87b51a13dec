import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackDescription } from "../../../scripts/stack/stack.ts";
import { repositoryRoot } from "../../../scripts/units.ts";

/** `npm start` as a process of its own, just as a person runs it. */
export interface StackProcess {
  readonly stateDir: string;
  readonly description: StackDescription & {
    readonly org: { id: string; slug: string };
    readonly owner: { email: string; password: string };
  };
  /** Sends the signal and waits for the end; the exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A state folder that every uid on the way may pass through. */
export function freshStateDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-e2e-"));
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

/**
 * Starts a stack and returns when it printed its `ready ` line. On any free port, unless the flags name one: two
 * files may run side by side.
 */
export async function startStackProcess(stateDir: string, args: readonly string[] = []): Promise<StackProcess> {
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
  };
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

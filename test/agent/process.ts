/** The agent as a process, and what it leaves on disk. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePath } from "../../agent/build.ts";
import type { RunnerStatus } from "../../agent/state/status-file.ts";

export interface AgentProcess {
  readonly child: ChildProcess;
  /** Everything written so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when stderr holds `text`. */
  said(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

const running = new Set<ChildProcess>();

/** `AGENT_NODE=/path/to/node` runs the bundle on another Node, such as the oldest it supports. */
export function startAgent(
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): AgentProcess {
  // A proxy of the machine that runs the tests is none of theirs.
  const { HTTPS_PROXY: _1, https_proxy: _2, NODE_OPTIONS: _3, ...env } = process.env;
  const child = spawn(process.env["AGENT_NODE"] ?? process.execPath, [bundlePath, ...args], {
    env: { ...env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  let out = "";
  let err = "";
  const watchers = new Set<() => void>();
  child.stdout?.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    err += chunk.toString();
    for (const look of [...watchers]) look();
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  const exited = new Promise<number | string>((resolve) => {
    child.once("close", (status, signal) => {
      running.delete(child);
      resolve(status ?? signal ?? "unknown");
    });
  });
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    said: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!err.includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    exited,
  };
}

/** Ends what a failed test left behind. */
export async function killAgents(): Promise<void> {
  for (const child of [...running]) {
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await closed;
  }
}

export function makeStateDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "sentinel-agent-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Resolves when the runner's status fulfils `condition`, looked at after every change in the directory. */
export function untilStatus(directory: string, condition: (status: RunnerStatus) => boolean): Promise<RunnerStatus> {
  return new Promise((resolve) => {
    const look = (): void => {
      let status: RunnerStatus;
      try {
        status = JSON.parse(readFileSync(join(directory, "status.json"), "utf8")) as RunnerStatus;
      } catch {
        return;
      }
      if (!condition(status)) return;
      watcher.close();
      resolve(status);
    };
    const watcher = watch(directory, look);
    look();
  });
}

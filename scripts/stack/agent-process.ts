import { type ChildProcess, spawn } from "node:child_process";
import { hostname } from "node:os";
import { type Supervision, stopChild } from "./processes.ts";
import { StackError } from "./stack-error.ts";
import { readJson, writeJsonAtomically } from "./state-folder.ts";

export interface AgentProcess {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface AgentOptions {
  /** The bundled agent. */
  readonly program: string;
  readonly stateDir: string;
  readonly url: URL;
  /** Makes an enrolment code; asked only when this machine is not enrolled yet. */
  readonly makeCode: () => Promise<string>;
  readonly supervision: Supervision;
}

const restartDelayMs = 2000;

/** Enrols this machine as its user would, once, and runs the agent; starts it again when it dies. */
export async function startAgent(options: AgentOptions): Promise<AgentProcess> {
  const credentials = `${options.stateDir}/credentials.json`;
  const enrolled = readJson(credentials);
  if (enrolled === null) await enroll(options, await options.makeCode());
  else followPort(credentials, enrolled, options.url);
  let stopping = false;
  let child = run(options);
  const watch = (): void => {
    child.once("exit", (code) => {
      if (stopping) return;
      options.supervision.note(`  ! the agent ended with ${code}; starting it again`);
      setTimeout(() => {
        if (stopping) return;
        child = run(options);
        watch();
        options.supervision.onRestart();
      }, restartDelayMs);
    });
  };
  watch();
  return {
    get pid() {
      return child.pid ?? 0;
    },
    async stop() {
      stopping = true;
      await stopChild(child, 8000);
    },
  };
}

function run({ program, stateDir }: AgentOptions): ChildProcess {
  // Its log is the agent's own; the stack shows it only when asked through the agent's `status`.
  return spawn(process.execPath, [program, "run", "--state", stateDir], {
    stdio: "ignore",
    // A group of its own: the stack stops it, in its turn.
    detached: true,
  });
}

async function enroll({ program, stateDir, url }: AgentOptions, code: string): Promise<void> {
  // The code goes through standard input: arguments are readable by every user of the machine.
  const args = [program, "enroll", "--url", url.origin, "--code", "-", "--name", hostname(), "--state", stateDir];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2000);
  });
  child.stdin.end(`${code}\n`);
  const status = await new Promise((resolve) => child.once("exit", resolve));
  if (status !== 0)
    throw new StackError(
      "enroll_failed",
      `the agent did not enrol: ${output.trim()}`,
      "Start with --no-agent to look around without it.",
    );
}

/** A stack that was given another port than last time is still the same stack to its own agent. */
function followPort(path: string, enrolled: unknown, url: URL): void {
  const held = enrolled as { mqtt_url?: unknown };
  if (typeof held.mqtt_url !== "string")
    throw new StackError("broken_state", `${path} is damaged`, "Delete the agent's folder; it enrols again.");
  const mqtt = new URL(held.mqtt_url);
  if (mqtt.host === url.host) return;
  mqtt.host = url.host;
  writeJsonAtomically(path, { ...held, mqtt_url: mqtt.href });
}

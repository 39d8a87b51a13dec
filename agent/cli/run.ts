/** `run`: the agent itself, until SIGTERM or SIGINT. */
import { randomBytes } from "node:crypto";
import { openMqttSession } from "../connection/session.ts";
import { createLog, describeError } from "../log.ts";
import { collectors } from "../readings/collectors.ts";
import { Runner, type RunnerClock } from "../runner.ts";
import { readCredentials } from "../state/credentials.ts";
import { acquireLock } from "../state/lock.ts";
import type { StatePaths } from "../state/paths.ts";
import { type Console, refusalLine } from "./console.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

const systemClock: RunnerClock = {
  now: () => performance.now(),
  unixNow: () => Date.now(),
  random: () => Math.random(),
  randomBytes: (count) => randomBytes(count),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export async function run(intervalMs: number, paths: StatePaths, terminal: Console): Promise<ExitCode> {
  const refuse = (exit: ExitCode, code: string, detail: string): ExitCode => {
    terminal.err(refusalLine(code, detail));
    return exit;
  };
  const read = readCredentials(paths.credentials);
  if (read.kind === "not_enrolled")
    return refuse(
      exitCodes.notEnrolled,
      "not_enrolled",
      `no enrolment in ${paths.directory}: sentinel-agent enroll --url URL --code CODE`,
    );
  if (read.kind === "refused") return refuse(exitCodes.failed, read.code, read.detail);
  const lock = acquireLock(paths.lock);
  if (lock.kind === "refused")
    return refuse(exitCodes.stateInUse, "state_in_use", `process ${lock.pid} already runs on ${paths.directory}`);
  const log = createLog(
    (line) => terminal.err(line),
    () => Date.now(),
  );
  try {
    const runner = new Runner({
      paths,
      credentials: read.credentials,
      intervalMs,
      collectors,
      open: openMqttSession,
      clock: systemClock,
      log,
    });
    const signalled = firstSignal();
    runner.start();
    log("info", "stopping", { signal: await signalled });
    await runner.stop();
    return exitCodes.ok;
  } catch (error) {
    return refuse(exitCodes.failed, "failed", describeError(error).detail);
  } finally {
    lock.release();
  }
}

/** Later signals change nothing: the stop is bounded by itself. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve(signal));
  });
}

/** `enroll`: an enrolment code becomes this device's credentials. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import { setTimeout } from "node:timers/promises";
import { isCertificatePem } from "../connection/trust.ts";
import { readEnrollmentCode } from "../enroll/code.ts";
import { type EnrollmentRequest, type EnrollmentResult, requestEnrollment } from "../enroll/request.ts";
import { describeError } from "../log.ts";
import { writeCredentials } from "../state/credentials.ts";
import { acquireLock } from "../state/lock.ts";
import type { StatePaths } from "../state/paths.ts";
import { type Console, refusalLine } from "./console.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { type Invocation, isDeviceName, nameCharactersMax } from "./parse.ts";

type EnrollInvocation = Extract<Invocation, { kind: "enroll" }>;

/** A code from standard input; more than this is not one. */
const codeInputBytesMax = 1024;
/** A bundle of authorities is some 250 KiB. */
const caBytesMax = 1024 * 1024;
/** The server's window is a minute; a longer wait is for a person to decide. */
const retryAfterSecondsMax = 120;
/** A class of thirty, ten a minute: the last of them is let in at the third or fourth try. */
const attemptsMax = 6;

export async function enroll(invocation: EnrollInvocation, paths: StatePaths, terminal: Console): Promise<ExitCode> {
  const refuse = (exit: ExitCode, code: string, detail: string): ExitCode => {
    terminal.err(refusalLine(code, detail));
    return exit;
  };
  if (existsSync(paths.credentials) && !invocation.force) {
    return refuse(
      exitCodes.alreadyEnrolled,
      "already_enrolled",
      `${paths.directory} holds an enrolment; --force replaces it`,
    );
  }
  const ca = invocation.caFile === null ? null : readAuthority(invocation.caFile);
  if (ca === undefined) return refuse(exitCodes.usage, "invalid_ca", "--ca names no readable PEM certificate");
  const code = invocation.code ?? readEnrollmentCode(await terminal.readInput(codeInputBytesMax));
  if (code === null) return refuse(exitCodes.usage, "invalid_code", "standard input holds no enrolment code");
  // Before the code is spent: an enrolment that can't be stored would be lost.
  try {
    mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
    accessSync(paths.directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    return refuse(exitCodes.failed, "state_unwritable", `${paths.directory}: ${describeError(error).detail}`);
  }
  const lock = acquireLock(paths.lock);
  if (lock.kind === "refused")
    return refuse(
      exitCodes.stateInUse,
      "state_in_use",
      `process ${lock.pid} runs on ${paths.directory}: stop it first`,
    );
  try {
    const name = invocation.name ?? defaultName();
    const result = await askPatiently(
      { origin: invocation.origin, code, name, platform: platformName(), ca },
      terminal,
    );
    switch (result.kind) {
      case "unreachable":
        return refuse(exitCodes.unreachable, "unreachable", `${invocation.origin}: ${result.code}: ${result.detail}`);
      case "refused": {
        const wait = result.retryAfterSeconds === null ? "" : `; wait ${result.retryAfterSeconds} s`;
        const id = result.requestId === null ? "" : ` (request ${result.requestId})`;
        return refuse(exitCodes.refused, result.code, `${result.advice}${wait}${id}`);
      }
      case "ok":
        // What the machine read for one organisation never goes to another.
        forgetEarlierEnrollment(paths);
        writeCredentials(paths.credentials, result.credentials);
        terminal.out(`enrolled ${result.credentials.device} of ${result.credentials.org} in ${paths.directory}\n`);
        return exitCodes.ok;
    }
  } finally {
    lock.release();
  }
}

/** A 429 was not acted on, so the same request may be made again, when the server says. */
async function askPatiently(request: EnrollmentRequest, terminal: Console): Promise<EnrollmentResult> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await requestEnrollment(request);
    const wait = result.kind === "refused" && result.status === 429 ? result.retryAfterSeconds : null;
    if (wait === null || wait > retryAfterSecondsMax || attempt === attemptsMax) return result;
    terminal.err(refusalLine("rate_limited", `too many enrolments at once; trying again in ${wait} s`));
    await setTimeout(wait * 1000);
  }
}

function forgetEarlierEnrollment(paths: StatePaths): void {
  rmSync(paths.queue, { recursive: true, force: true });
  rmSync(paths.commands, { force: true });
  rmSync(paths.status, { force: true });
}

/** Undefined when the file is missing, too large or no certificate. */
function readAuthority(path: string): string | undefined {
  try {
    if (statSync(path).size > caBytesMax) return undefined;
    const pem = readFileSync(path, "utf8");
    return isCertificatePem(pem) ? pem : undefined;
  } catch {
    return undefined;
  }
}

function defaultName(): string {
  const name = os.hostname().slice(0, nameCharactersMax);
  return isDeviceName(name) ? name : "device";
}

/** `linux x64`, as the device list shows it. */
function platformName(): string {
  return `${os.platform()} ${os.arch()}`;
}

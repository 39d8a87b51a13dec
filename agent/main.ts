/** `sentinel-agent <enroll|run|status|help|version>`; see docs/agent.md. */
import { resolve } from "node:path";
import type { Console } from "./cli/console.ts";
import { refusalLine } from "./cli/console.ts";
import { enroll } from "./cli/enroll.ts";
import { type ExitCode, exitCodes } from "./cli/exit-codes.ts";
import { helpText } from "./cli/flags.ts";
import { parseInvocation } from "./cli/parse.ts";
import { run } from "./cli/run.ts";
import { status } from "./cli/status.ts";
import { describeError } from "./log.ts";
import { defaultStateDirectory, statePaths } from "./state/paths.ts";
import { agentVersion } from "./version.ts";

/** Time for the last lines to leave through a pipe. */
const exitGraceMs = 500;

const terminal: Console = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  readInput: async (bytesMax) => {
    if (process.stdin.isTTY) process.stderr.write("Enrolment code: ");
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      // One line is all: whoever pastes it at a terminal need not know how to end the input.
      if (bytes > bytesMax || (chunk as Buffer).includes("\n")) break;
    }
    return Buffer.concat(chunks).subarray(0, bytesMax).toString("utf8");
  },
};

async function main(argv: readonly string[]): Promise<ExitCode> {
  const invocation = parseInvocation(argv);
  const pathsOf = (state: string | null) => statePaths(resolve(state ?? defaultStateDirectory()));
  switch (invocation.kind) {
    case "usage_error":
      terminal.err(refusalLine(invocation.code, invocation.detail));
      return exitCodes.usage;
    case "help":
      terminal.out(helpText());
      return exitCodes.ok;
    case "version":
      terminal.out(`${agentVersion}\n`);
      return exitCodes.ok;
    case "enroll":
      return enroll(invocation, pathsOf(invocation.state), terminal);
    case "run":
      return run(invocation.intervalMs, pathsOf(invocation.state), terminal);
    case "status":
      return status(invocation.json, pathsOf(invocation.state), terminal);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  terminal.err(refusalLine("failed", describeError(error).detail));
  process.exitCode = exitCodes.failed;
}
// A collector that hangs may leave a child process behind, which would keep this one alive.
setTimeout(() => process.exit(), exitGraceMs).unref();

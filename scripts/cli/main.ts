/** `npm run sentinel -- <verb>`: the operator's tool. Exit status 0: done, all well; 1: it is not; 2: not understood, nothing done. */
import { CliError } from "./cli-error.ts";
import { findVerb, helpText, parseFlags, verbHelp } from "./parse.ts";

/** @returns the exit status */
export async function main(args: readonly string[], print: (line: string) => void): Promise<number> {
  const found = findVerb(args);
  if (found === "help") {
    print(helpText());
    return 0;
  }
  const flags = parseFlags(found.verb, found.rest);
  if (flags === "help") {
    print(verbHelp(found.verb));
    return 0;
  }
  return found.verb.run(flags, print);
}

try {
  process.exitCode = await main(process.argv.slice(2), (line) => console.log(line));
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.status;
}

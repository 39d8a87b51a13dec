/** `node sentinel-audit-witness.mjs URL --dir DIR …`: `audit witness` for schools, in one file. */
import { parseArgs } from "node:util";
import { runWitness } from "../cli/audit/witness/run-witness.ts";
import { untilTold } from "../cli/audit/witness/until-told.ts";
import { witnessOptions } from "../cli/audit/witness/witness-options.ts";
import { CliError } from "../cli/cli-error.ts";

const usage = [
  "node sentinel-audit-witness.mjs URL --dir DIR [--name NAME] [--every SECONDS] [--once]",
  "",
  "URL             the log's address: https://HOST/api/v1/orgs/ORG/audit",
  "--dir DIR       where key, token and what was seen are kept",
  "--name NAME     how a new key is called, once: school.example/witness",
  "--every SECONDS how often it looks (default 60)",
  "--once          look once and end",
  "",
  "Exit status: 0 cosigned, or told to stop; 1 the log is not what it was, nothing was signed;",
  "2 something is to be set up first; 3 it could not be asked (--once).",
].join("\n");

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new CliError("unknown_flag", (error as Error).message, 2);
  }
  const { values, positionals } = parsed;
  const [log, ...more] = positionals;
  if (values.help === true || log === undefined || more.length > 0) {
    console.log(usage);
    return values.help === true ? 0 : 2;
  }
  const { dir, name, every, once = false } = values;
  return await runWitness(witnessOptions({ log, dir, name, every, once }), (line) => console.log(line), untilTold());
}

const parse = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: "string" },
      name: { type: "string" },
      every: { type: "string" },
      once: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.status;
}

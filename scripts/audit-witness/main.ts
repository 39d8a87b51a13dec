/** `node sentinel-audit-witness.mjs URL --dir DIR …`: `audit witness` for schools, in one file. */
import { runWitness } from "../cli/audit/witness/run-witness.ts";
import { untilTold } from "../cli/audit/witness/until-told.ts";
import { witnessOptions } from "../cli/audit/witness/witness-options.ts";
import { runSingleFile } from "../cli/single-file.ts";

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

const options = {
  dir: { type: "string" },
  name: { type: "string" },
  every: { type: "string" },
  once: { type: "boolean" },
} as const;

await runSingleFile(usage, options, async (log, { dir, name, every, once = false }) => {
  return await runWitness(witnessOptions({ log, dir, name, every, once }), (line) => console.log(line), untilTold());
});

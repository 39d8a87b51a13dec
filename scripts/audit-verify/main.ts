/** `node sentinel-audit-verify.mjs FILE|DIR|URL [--known FILE] [--witness KEY] [--key-file FILE]`: `audit verify` for auditors, in one file. */
import { openLog, refuseTarget } from "../cli/audit/open-log.ts";
import { isTable, verifyTable } from "../cli/audit/proved-table.ts";
import { describe, examine, isGood, witnessOf } from "../cli/audit/verify-shown.ts";
import { CliError } from "../cli/cli-error.ts";
import { runSingleFile } from "../cli/single-file.ts";

const usage = [
  "node sentinel-audit-verify.mjs FILE|DIR|URL [--known FILE] [--witness KEY] [--key-file FILE]",
  "",
  "FILE            a log written by: sentinel audit export, or a table with proofs (csv_proofs)",
  "DIR             a log's second copy, downloaded from its bucket: log/LOG",
  "URL             a log's address: https://HOST/api/v1/orgs/ORG/audit",
  "--known FILE    the log's keys and last checkpoint, as you know them; made if it is not there",
  "--witness KEY   a witness's key (name+id+key), without whose cosignature the log is not believed",
  "--key-file FILE an API key which may read the log, for an address",
  "",
  "Exit status: 0 all is well, 1 it is not (or could not be read), 2 not understood.",
].join("\n");

const options = {
  known: { type: "string" },
  witness: { type: "string" },
  "key-file": { type: "string" },
} as const;

await runSingleFile(usage, options, async (target, values) => {
  const problem = refuseTarget(target);
  if (problem !== null) throw new CliError("invalid_value", `the log's name ${problem}`, 2);
  const known = values.known ?? null;
  if (isTable(target) && values.witness === undefined) {
    const { isGood: isTableGood, lines } = await verifyTable(target, known);
    for (const line of lines) console.log(line);
    return isTableGood ? 0 : 1;
  }
  const witness = witnessOf(values.witness);
  const log = await openLog(target, values["key-file"]);
  const examination = await examine(log, known, witness, null, Date.now());
  for (const line of describe(examination, known)) console.log(line);
  return isGood(examination) ? 0 : 1;
});

import { logOfOrigin } from "../../../core/audit/checkpoint.ts";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { databaseLeaves } from "../audit/database-leaves.ts";
import { databasesOf, databaseUrlFileFlag } from "../audit/databases.ts";
import { openLog, refuseTarget } from "../audit/open-log.ts";
import { isTable, verifyTable } from "../audit/proved-table.ts";
import { describe, examine, isGood, witnessOf } from "../audit/verify-shown.ts";
import { CliError } from "../cli-error.ts";
import { readSnapshot } from "../database.ts";
import { stateFlag, type Verb } from "../verb.ts";

/** Verifies an organisation's audit log, without believing the server. */
export const auditVerify: Verb = {
  name: "audit verify",
  summary:
    "Verify an audit log, from a file, a copy of its bucket or its address, and name the first entry that is not as it was signed",
  details: [
    "The checkpoint's signature, the tree under it, and every leaf. With --known also that the log goes on from",
    "where it was last time. With --database also each leaf that Postgres keeps, against what was signed.",
    "A table of entries with proofs (the export's csv_proofs) is verified row by row.",
    "",
    "Exit status: 0 all is well, 1 it is not (or could not be read), 2 the command was not understood.",
    "Auditors without this repository: sentinel-audit-verify.mjs is the same in one file (docs/audit-proofs.md).",
  ].join("\n"),
  argument: { name: "log", value: "FILE|DIR|URL", refuse: refuseTarget },
  flags: {
    "key-file": { value: "FILE", help: "file that holds an API key which may read the log; for an address" },
    known: {
      value: "FILE",
      help: "the log's keys and last checkpoint, as this verifier knows them; made if it is not there",
    },
    witness: { value: "KEY", help: "a witness's key (name+id+key), without whose cosignature the log is not believed" },
    database: {
      value: null,
      help: "hold against it what Postgres keeps, on every placement of the stack or DATABASE_URLS",
    },
    "database-url-file": databaseUrlFileFlag,
    state: stateFlag,
  },
  exclusive: ["database", "database-url-file"],
  examples: [
    "audit verify https://sentinel.example/api/v1/orgs/demo/audit --key-file key --known demo.known",
    "audit verify demo.log --known demo.known --database",
    "audit verify bucket/log/org_01jd3x2k8hf9v8v3k4m5n6p7q8 --known demo.known",
  ],
  async run(flags, print) {
    const isAlone = flags["database"] === undefined && flags["database-url-file"] === undefined;
    if (isTable(flags["log"] as string)) {
      if (!isAlone || flags["witness"] !== undefined)
        throw new CliError(
          "invalid_value",
          "a table takes --known alone: only a whole log can be held against more",
          2,
        );
      const { isGood, lines } = await verifyTable(flags["log"] as string, flags["known"] ?? null);
      for (const line of lines) print(line);
      return isGood ? 0 : 1;
    }
    const witness = witnessOf(flags["witness"]);
    const log = await openLog(flags["log"] as string, flags["key-file"]);
    const known = flags["known"] ?? null;
    const copies = isAlone ? null : copyIn(databasesOf(flags["state"], flags["database-url-file"]));
    const examination = await examine(log, known, witness, copies, Date.now());
    for (const line of describe(examination, known)) print(line);
    return isGood(examination) ? 0 : 1;
  },
};

/** What databases keep of a log. It lies on one placement; the others have nothing of it. */
function copyIn(databases: readonly { name: string; url: string }[]): (origin: string) => AsyncIterable<KeptLeaf> {
  return async function* (origin) {
    const log = logOfOrigin(origin);
    if (log === null) throw new CliError("other_log", "the log has a name that no database knows");
    for (const { name, url } of databases) {
      // Read whole, because a snapshot ends with its callback: some KiB an entry.
      const leaves: KeptLeaf[] = [];
      await readSnapshot(name, url, async (client) => {
        for await (const leaf of databaseLeaves(client, log)) leaves.push(leaf);
      });
      yield* leaves;
    }
  };
}

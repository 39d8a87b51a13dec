import { databasesOf, databaseUrlFileFlag } from "../audit/databases.ts";
import { type LogReport, verifyDatabase } from "../audit/verify-database.ts";
import { CliError } from "../cli-error.ts";
import { readSnapshot } from "../database.ts";
import { orgFlag, orgOf } from "../organisation.ts";
import { stateFlag, type Verb } from "../verb.ts";

export const auditVerifyLeaves: Verb = {
  name: "audit verify-leaves",
  summary: "Recomputes every audit leaf that Postgres holds and names the first bad entry of each log",
  details: [
    "For each log: the leaf hash of each stored leaf, its canonical form, the columns beside it, sequence",
    "numbers from 1 without gap or duplicate, times that never go back, each outcome's intent, and each",
    "personal value that is still stored against its salted commitment. Exit status 1 when one is bad.",
    "",
    "Entries of months that were retired after seven years and then dropped (audit.retired_months) are counted",
    "apart: they are in the month's sealed copy, and no more may lack than were sealed.",
    "",
    "It can't see entries cut off at the end, nor a log rewritten as a whole with hashes that fit: compare",
    "the printed last numbers with what was noted elsewhere.",
    "",
    "Without flags it reads every placement of DATABASE_URLS where that is set, else the stack in .sentinel.",
  ].join("\n"),
  flags: {
    state: stateFlag,
    "database-url-file": databaseUrlFileFlag,
    org: orgFlag("one organisation's log only"),
  },
  exclusive: ["state", "database-url-file"],
  async run(flags, print) {
    const databases = databasesOf(flags["state"], flags["database-url-file"]);
    const only = flags["org"] === undefined ? null : await orgOf(flags, flags["org"], databases);
    const reports: LogReport[] = [];
    for (const { name, url } of databases) {
      await readSnapshot(name, url, (client) =>
        verifyDatabase(client, only, (report) => {
          reports.push(report);
          print(describe(name, report));
        }),
      );
    }
    const entries = reports.reduce((sum, report) => sum + report.entries, 0);
    const bad = reports.filter((report) => report.bad !== null).length;
    // A log of which nothing is left must not pass for one that is in order.
    if (reports.length === 0) {
      throw new CliError("no_entries", only === null ? "no database holds an entry" : `no database holds ${only}`);
    }
    print(`${entries} entries of ${reports.length} logs verified, ${bad} logs bad`);
    return bad === 0 ? 0 : 1;
  },
};

function describe(database: string, report: LogReport): string {
  const { log, entries, lastSeq, commitments, openIntents, gone, goneMonths, bad } = report;
  if (bad !== null) return `✗ ${database} ${log} entry ${bad.seq}: ${bad.reason}: ${bad.detail}`;
  const open = openIntents === 0 ? "" : `, ${openIntents} intents still open`;
  const months = goneMonths.length === 1 ? goneMonths[0] : `${goneMonths[0]} to ${goneMonths.at(-1)}`;
  const retired = gone === 0 ? "" : `, ${gone} more retired after seven years and dropped (${months})`;
  return `✓ ${database} ${log}: ${entries} entries up to ${lastSeq}, ${commitments} commitments${open}${retired}`;
}

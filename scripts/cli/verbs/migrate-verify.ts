import { fourDigits, readMigrations } from "../../migrate/files.ts";
import { changedFiles, dumpedSets } from "../../migrate/schema/dumps.ts";
import { verifyTenants } from "../../migrate/tenants/verify.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { placementUrls } from "../placements.ts";
import { stateFlag, type Verb } from "../verb.ts";

/** Lines of a difference that are printed for each tenant; the rest is counted. */
const linesMax = 10;
const lineCharactersMax = 200;

/** Finds schemas that somebody altered by hand. Changes nothing. */
export const migrateVerify: Verb = {
  name: "migrate verify",
  summary: "Compares every tenant's schema with the committed one of its version; changes nothing",
  details: [
    "Also says when a migration file was changed after its dump was committed. Exit status 0: all are the same.",
    "What differs is printed with + (there, and should not be) and - (missing).",
  ].join("\n"),
  flags: { state: stateFlag },
  async run(flags, print) {
    const changed = dumpedSets.flatMap((set) => changedFiles(set));
    for (const line of changed) print(line);
    try {
      const { same, drifted, blocked } = await verifyTenants(placementUrls(flags["state"]), readMigrations("tenant"));
      print(`${same} tenants are what they should be, ${drifted.length} are not`);
      for (const { org, placement, number, difference } of drifted) {
        print(`${org} (${placement}) at ${fourDigits(number)}`);
        const lines = [
          ...difference.missing.map((line) => `- ${line}`),
          ...difference.unexpected.map((line) => `+ ${line}`),
        ];
        for (const line of lines.slice(0, linesMax))
          print(`  ${line.replaceAll("\n", " ").slice(0, lineCharactersMax)}`);
        if (lines.length > linesMax) print(`  … and ${lines.length - linesMax} more`);
      }
      for (const { org, placement, reason } of blocked) print(`${org} (${placement}) not compared: ${reason}`);
      return drifted.length === 0 && blocked.length === 0 && changed.length === 0 ? 0 : 1;
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError("verify_failed", reasonOf(error));
    }
  },
};

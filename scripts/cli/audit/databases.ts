import { readFileSync } from "node:fs";
import { requireVerifiedTls } from "../../migrate/database-urls.ts";
import { CliError } from "../cli-error.ts";
import { placementUrls } from "../placements.ts";
import type { FlagSpec } from "../verb.ts";

export const databaseUrlFileFlag: FlagSpec = {
  value: "FILE",
  help: "a file whose content is one Postgres address; a flag would show its password to every user",
  refuse: (value) => (value.includes("\0") ? "is not a path" : null),
};

/**
 * The databases that a verb about audit.events reads.
 * @param file holds one database's address; undefined: every placement of DATABASE_URLS or of the stack
 * @throws CliError `bad_database_url_file`
 */
export function databasesOf(
  state: string | undefined,
  file: string | undefined,
): readonly { name: string; url: string }[] {
  if (file === undefined) return placementUrls(state);
  let url: string;
  try {
    url = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CliError("bad_database_url_file", `can't read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    requireVerifiedTls(file, url);
  } catch (error) {
    throw new CliError("bad_database_url_file", (error as Error).message);
  }
  return [{ name: "database", url }];
}

import { databaseUrlsFrom, type PlacementUrl } from "../migrate/database-urls.ts";
import { CliError } from "./cli-error.ts";
import { readStackDescription } from "./stack-description.ts";

/**
 * The owner's connections of every placement, the control plane's first: of the named stack, else of
 * DATABASE_URLS where it is set, else of the stack in `.sentinel`.
 * @throws CliError
 */
export function placementUrls(
  stateDir: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): readonly [PlacementUrl, ...PlacementUrl[]] {
  if (stateDir === undefined && environment["DATABASE_URLS"] !== undefined) {
    try {
      return databaseUrlsFrom(environment["DATABASE_URLS"]);
    } catch (error) {
      throw new CliError("bad_database_urls", (error as Error).message);
    }
  }
  const [first, ...others] = Object.entries(readStackDescription(stateDir).databaseUrls).map(([name, url]) => ({
    name,
    url,
  }));
  if (first === undefined) throw new CliError("broken_stack_json", "stack.json names no database");
  return [first, ...others];
}

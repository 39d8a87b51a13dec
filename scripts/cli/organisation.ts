/** An organisation as every verb takes it: by its id or its slug. */
import { type OrgId, parseId, parseSlug } from "../../core/ids.ts";
import { operatorRoutes } from "../../core/routes/operator.ts";
import type { PlacementUrl } from "../migrate/database-urls.ts";
import { CliError } from "./cli-error.ts";
import { readSnapshot } from "./database.ts";
import { callOperator } from "./operator.ts";
import { placementUrls } from "./placements.ts";
import type { ArgumentSpec, FlagSpec, Flags } from "./verb.ts";

const refuse = (value: string): string | null =>
  parseId("org", value) === null && parseSlug(value) === null ? "is no organisation's id or slug" : null;

/** The organisation as the word behind a verb. */
export const orgArgument: ArgumentSpec = { name: "org", value: "ORG", refuse };

/** The organisation as a flag. @param help what it is for */
export const orgFlag = (help: string): FlagSpec => ({ value: "ORG", help: `${help}: its id or slug`, refuse });

/**
 * The organisation that somebody named. An id is taken as it stands, for what was erased has a slug no more; what
 * is made of it says whether it is there. A slug is looked up where the flags lead: in the control database, or at
 * a Sentinel that runs when nothing but its address was given.
 * @param named what {@link orgArgument} or {@link orgFlag} let pass
 * @param databases where to look instead, such as a verb's own; the first that has a control plane counts
 * @throws CliError `no_such_organisation`, and those of {@link readSnapshot} and {@link callOperator}
 */
export async function orgOf(flags: Flags, named: string, databases?: readonly PlacementUrl[]): Promise<OrgId> {
  const id = parseId("org", named);
  if (id !== null) return id;
  const isElsewhere = flags["url"] !== undefined && process.env["DATABASE_URLS"] === undefined;
  const found =
    databases === undefined && isElsewhere
      ? await askSentinel(flags, named)
      : await askDatabases(databases ?? placementUrls(flags["state"]), named);
  const org = parseId("org", found);
  if (org === null) throw new CliError("no_such_organisation", `${named} is not an organisation of this Sentinel`);
  return org;
}

async function askSentinel(flags: Flags, slug: string): Promise<unknown> {
  const { method, path } = operatorRoutes.operatorGetOrg;
  const call = { method: method as "GET", path: path.replace("{target}", slug) };
  return ((await callOperator(flags, call)) as { id?: unknown }).id;
}

async function askDatabases(databases: readonly PlacementUrl[], slug: string): Promise<unknown> {
  for (const { name, url } of databases) {
    const found = await readSnapshot(name, url, async (client) => {
      const { rows } = await client.query("SELECT to_regclass('control.organisations') IS NOT NULL AS here");
      if (rows[0]?.here !== true) return null;
      return (await client.query("SELECT id FROM control.organisations WHERE slug = $1", [slug])).rows;
    });
    // The control plane is in one place; what it does not know, none of the others does.
    if (found !== null) return found[0]?.id;
  }
  return null;
}

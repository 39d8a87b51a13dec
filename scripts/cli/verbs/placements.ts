import { placementNamePattern } from "../../../workers/data/config.ts";
import { isNearlyFull } from "../../../workers/data/directory.ts";
import { databaseUrlsFrom } from "../../migrate/database-urls.ts";
import { addPlacement, PlacementExists, placementFills, setTenantsMax } from "../../migrate/register-placements.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { placementUrls } from "../placements.ts";
import { type ArgumentSpec, type FlagSpec, stateFlag, type Verb } from "../verb.ts";

/** Neon documents 500 roles a branch; ADR 1. */
const tenantsMax = 450;

const argument: ArgumentSpec = {
  name: "placement",
  value: "NAME",
  refuse: (value) => (placementNamePattern.test(value) ? null : "is not a name: a-z, then a-z, 0-9 and hyphens"),
};
const tenantsMaxFlag: FlagSpec = {
  value: "N",
  help: `tenants that it takes, 0 to ${tenantsMax} (default ${tenantsMax}); 0: no further ones`,
  refuse: (value) =>
    /^\d{1,3}$/.test(value) && Number(value) <= tenantsMax ? null : `is not a whole number from 0 to ${tenantsMax}`,
};

const list: Verb = {
  name: "placements list",
  summary: "Lists placements and how full they are; exit status 1 when it is time to add one",
  details: [
    "New organisations go where the fewest are. When every placement is 90 % full, add one: the data Worker logs",
    "`placements_nearly_full` from then on, and `placements_full` with each organisation that got no room.",
  ].join("\n"),
  flags: { state: stateFlag },
  async run(flags, print) {
    const urls = placementUrls(flags["state"]);
    const fills = await failing(() => placementFills(urls[0].url));
    const width = Math.max(...fills.map(({ placement }) => placement.length), 0);
    for (const fill of fills) {
      const { placement, tenants, tenantsMax: most } = fill;
      const state = tenants >= most ? (most === 0 ? "closed" : "full") : isNearlyFull(fill) ? "nearly full" : "";
      const unnamed = urls.some(({ name }) => name === placement) ? "" : "not in DATABASE_URLS";
      const notes = [state, unnamed].filter((note) => note !== "").join(", ");
      print(`${placement.padEnd(width)}  ${tenants} of ${most} tenants${notes === "" ? "" : `  (${notes})`}`);
    }
    if (fills.some((fill) => !isNearlyFull(fill))) return 0;
    print("every placement is at least 90 % full: npm run sentinel -- placements add NAME");
    return 1;
  },
};

const add: Verb = {
  name: "placements add",
  summary: "Makes a Postgres cluster a placement: roles, migrations, and its place in the directory",
  details: [
    "Name it in DATABASE_URLS first, behind the others (the first holds the control plane), and set",
    "ROLE_PASSWORDS_FILE, which gets its roles' passwords. No organisation goes there before the data Worker's",
    "secret PLACEMENTS names it too: docs/runbooks/deploy.md.",
  ].join("\n"),
  argument,
  flags: { "tenants-max": tenantsMaxFlag },
  examples: ["placements add in-2"],
  async run(flags, print) {
    const name = flags["placement"] ?? "";
    const urls = await failing(async () => databaseUrlsFrom(process.env["DATABASE_URLS"]), "bad_database_urls");
    if (!urls.some((url) => url.name === name))
      throw new CliError("unknown_placement", `DATABASE_URLS does not name ${name}`, 2);
    const rolePasswordsFile = process.env["ROLE_PASSWORDS_FILE"];
    if (rolePasswordsFile === undefined)
      throw new CliError("no_role_passwords", "ROLE_PASSWORDS_FILE says where its roles' passwords go", 2);
    await failing(() =>
      addPlacement({
        urls,
        name,
        rolePasswordsFile,
        tenantsMax: Number(flags["tenants-max"] ?? tenantsMax),
        log: print,
      }),
    );
    print(`✓ ${name} is a placement; now name it in the data Worker's PLACEMENTS and deploy that secret`);
    return 0;
  },
};

const set: Verb = {
  name: "placements set",
  summary: "Changes how many tenants a placement takes; those it has stay",
  argument,
  flags: { "tenants-max": tenantsMaxFlag, state: stateFlag },
  examples: ["placements set in-1 --tenants-max 0"],
  async run(flags, print) {
    const [name, most] = [flags["placement"] ?? "", flags["tenants-max"]];
    if (most === undefined) throw new CliError("missing_value", "it needs --tenants-max", 2);
    const [control] = placementUrls(flags["state"]);
    if (!(await failing(() => setTenantsMax(control.url, name, Number(most)))))
      throw new CliError("unknown_placement", `there is no placement ${name}`);
    print(`${name} takes ${most} tenants`);
    return 0;
  },
};

export const placements: readonly Verb[] = [list, add, set];

/** Runs what may fail in a database; no message quotes an address. */
async function failing<T>(work: () => Promise<T>, code = "placements_failed"): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error instanceof PlacementExists) throw new CliError("placement_exists", error.message);
    throw new CliError(code, reasonOf(error));
  }
}

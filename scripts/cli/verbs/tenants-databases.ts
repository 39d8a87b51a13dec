import { findTenant } from "../../migrate/tenants/find-tenant.ts";
import { showCounts } from "../../migrate/tenants/progress.ts";
import { repairOneTenant } from "../../migrate/tenants/repair.ts";
import { setRetention } from "../../migrate/tenants/retention.ts";
import { rotateTenants } from "../../migrate/tenants/rotate.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { orgArgument, orgFlag, orgOf } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import { type FlagSpec, type Flags, stateFlag, type Verb } from "../verb.ts";

/** Organisations named one by one when something is left. */
const namedMax = 10;

const days = (help: string): FlagSpec => ({
  value: "DAYS",
  help,
  refuse: (value) => (/^[1-9]\d{0,3}$/.test(value) ? null : "is not a number of days"),
});

/** @throws CliError `no_such_tenant` */
async function tenantOf(flags: Flags, named: string) {
  const placements = placementUrls(flags["state"]);
  const org = await orgOf(flags, named, placements);
  const tenant = await failing(() => findTenant(placements[0].url, org));
  if (tenant === null) throw new CliError("no_such_tenant", `${named} is no organisation with a database`);
  return { placements, tenant };
}

async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CliError("database_failed", reasonOf(error));
  }
}

const rotate: Verb = {
  name: "tenants rotate-passwords",
  summary: "Gives tenants' database roles new passwords while requests go on, and shows how far it is",
  details: [
    "Every role gets a new one each quarter without this. It asks; the data Worker's clock, every five minutes,",
    "announces and changes them, so it takes ten minutes for 1,000 tenants and no request fails. It may be killed:",
    "what was asked for is done anyway, and the same command goes on watching (--all leaves out who got a new one",
    "within the hour). Reads DATABASE_URLS, unless --state names",
    "a stack on this machine. docs/runbooks/database-passwords.md has the other passwords.",
  ].join("\n"),
  flags: {
    org: orgFlag("one organisation"),
    all: { value: null, help: "every organisation" },
    state: stateFlag,
  },
  exclusive: ["org", "all"],
  examples: ["tenants rotate-passwords --org demo", "tenants rotate-passwords --all"],
  async run(flags, print) {
    const { org: named, all } = flags;
    if (named === undefined && all === undefined) throw new CliError("missing_value", "it needs --org or --all", 2);
    const placements = placementUrls(flags["state"]);
    const org = named === undefined ? null : (await tenantOf(flags, named)).tenant.org;
    const progress = showCounts();
    const { rotated, left } = await failing(() =>
      rotateTenants({ controlUrl: placements[0].url, org, onLook: progress.show }),
    );
    progress.end();
    print(`${rotated} tenants have new passwords`);
    if (left.length === 0) return 0;
    const more = left.length > namedMax ? ` and ${left.length - namedMax} more` : "";
    print(
      `not yet: ${left.slice(0, namedMax).join(", ")}${more}; they work, and the data Worker's log says what keeps them`,
    );
    return 1;
  },
};

const repair: Verb = {
  name: "tenants repair",
  summary: "Has one tenant's role, password, schema and rights put right, and says what they are afterwards",
  details: [
    "The data Worker's clock looks at everybody's rights by itself; this asks for one organisation's to be repaired",
    "in its next run, whatever they look like, and waits for it. Exit status 0: all is as it should be.",
  ].join("\n"),
  argument: orgArgument,
  flags: { state: stateFlag },
  examples: ["tenants repair demo"],
  async run(flags, print) {
    const { placements, tenant } = await tenantOf(flags, flags["org"] ?? "");
    const { visited, right, closed } = await failing(() => repairOneTenant(placements, tenant));
    if (!visited) print("the data Worker has not come by; it repairs it in its next run");
    print(
      right ? "its rights are what they should be" : "its rights differ: npm run sentinel -- migrate verify tells how",
    );
    if (closed) print("it is closed: nobody is connected until what is wrong was mended and this has run again");
    return visited && right && !closed ? 0 : 1;
  },
};

const retention: Verb = {
  name: "tenants retention",
  summary: "Says how long a tenant's telemetry is kept, or changes it",
  details: [
    "Shorter is irrevocable: the next run of the job drops what is older. The schema's bounds: samples 7 to 400",
    "days, minutes 60 to 3650, hours 365 to 3650, each longer than the one before.",
  ].join("\n"),
  argument: orgArgument,
  flags: {
    "raw-days": days("samples as they came"),
    "minute-days": days("means of a minute"),
    "hour-days": days("means of an hour"),
    state: stateFlag,
  },
  examples: ["tenants retention demo", "tenants retention demo --raw-days 60 --minute-days 365"],
  async run(flags, print) {
    const number = (name: string) =>
      flags[name] === undefined ? {} : { [name.split("-")[0] ?? ""]: Number(flags[name]) };
    const change = { ...number("raw-days"), ...number("minute-days"), ...number("hour-days") };
    const { placements, tenant } = await tenantOf(flags, flags["org"] ?? "");
    try {
      const { raw, minute, hour } = await setRetention(placements, tenant, change);
      print(`${tenant.org} keeps samples ${raw} days, minutes ${minute} days, hours ${hour} days`);
      return 0;
    } catch (error) {
      if ((error as { code?: string }).code === "23514")
        throw new CliError(
          "out_of_bounds",
          "the schema refuses these days; --help has its bounds. Nothing was changed",
        );
      throw new CliError("database_failed", reasonOf(error));
    }
  },
};

/** What is done to tenants' databases with the owner's connection. */
export const tenantsDatabases: readonly Verb[] = [rotate, repair, retention];

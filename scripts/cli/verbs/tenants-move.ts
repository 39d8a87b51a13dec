import type { OrgId } from "../../../core/ids.ts";
import { operatorRoutes } from "../../../core/routes/operator.ts";
import { CatalogueRefused } from "../../../store/tenant/backup-catalogue.ts";
import { oldKeptDays } from "../../../workers/data/provisioner/moving/drop-left.ts";
import { showBytes } from "../../backup/progress.ts";
import { ScopeLost } from "../../backup/snapshot.ts";
import { readMigrations } from "../../migrate/files.ts";
import { findTenant } from "../../migrate/tenants/find-tenant.ts";
import { MoveRefused } from "../../migrate/tenants/move/move-refused.ts";
import { giveUpMove, type MoveLink, type MoveMoment, moveTenant } from "../../migrate/tenants/move/run.ts";
import { tryMove } from "../../migrate/tenants/move/try-move.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { callOperator, operatorExclusive, operatorFlags } from "../operator.ts";
import { orgArgument, orgOf } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import type { Flags, Verb } from "../verb.ts";

/** What each moment means to whoever watches. */
const says: Readonly<Record<MoveMoment, string>> = {
  announced: "announced; waiting until nobody remembers where it is",
  closed: "the API writes nothing of it from now on",
  frozen: "its old schema takes no write",
  copied: "copied, and compared row by row",
  shut_out: "nobody can log in to the old schema",
  switched: "it is on its new placement, and can be written to",
  recorded: "looked at there, and on record; waiting until its audit log has one writer",
  audit_copied: "its audit rows are there",
  done: `done; what it left goes in ${oldKeptDays} days`,
};

function linkOf(flags: Flags): MoveLink {
  const post = (path: string, org: OrgId, body?: unknown): Promise<unknown> =>
    callOperator(flags, {
      method: "POST",
      path: path.replace("{target}", org),
      ...(body === undefined ? {} : { body }),
    });
  return {
    begin: async (org, placement) => void (await post(operatorRoutes.operatorMove.path, org, { placement })),
    finish: async (org) => void (await post(operatorRoutes.operatorFinishMove.path, org)),
    giveUp: async (org) => void (await post(operatorRoutes.operatorGiveUpMove.path, org)),
  };
}

/** @throws CliError, in words without an address */
async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error instanceof MoveRefused || error instanceof CatalogueRefused)
      throw new CliError(error.code, error.message);
    if (error instanceof ScopeLost) throw new CliError("scope_lost", error.message);
    throw new CliError("move_failed", `${reasonOf(error)}; the same command goes on where it was`);
  }
}

/** Moves an organisation's database to another placement (docs/adr/0029-moving.md). */
export const tenantsMove: Verb = {
  name: "tenants move",
  summary: "Moves an organisation's database to another placement; nothing that was acknowledged is lost",
  details: [
    "It takes two and a half minutes of waiting and as long as its rows take to be copied. Only while they are copied",
    "does the API refuse to write (503 org_moving, with Retry-After); reads go on, and what devices send waits in",
    "their hub. Killed at any moment, the same command goes on; --give-up takes it back as long as it has not",
    "switched. Needs the owner's connections (DATABASE_URLS, or --state) and a Sentinel that runs: what it begins",
    `and ends with is on record. The data Worker drops the old schema ${oldKeptDays} days later.`,
  ].join("\n"),
  argument: orgArgument,
  flags: {
    to: {
      value: "PLACEMENT",
      help: "where to",
      refuse: (value) => (/^[a-z][a-z0-9-]{0,62}$/.test(value) ? null : "is no placement's name"),
    },
    "dry-run": { value: null, help: "say what would be moved, and change nothing" },
    "give-up": { value: null, help: "leave it where it is, and drop what was copied" },
    ...operatorFlags,
  },
  exclusive: [...operatorExclusive],
  examples: [
    "tenants move demo --to local-2 --dry-run",
    "tenants move demo --to local-2",
    "tenants move demo --give-up",
  ],
  async run(flags, print) {
    const placements = placementUrls(flags["state"]);
    const named = flags["org"] ?? "";
    const asked = await orgOf(flags, named, placements);
    const tenant = await failing(() => findTenant(placements[0].url, asked));
    if (tenant === null) throw new CliError("no_such_tenant", `${named} is no organisation with a database`);
    const { org, placement: source } = tenant;
    const link = linkOf(flags);
    if (flags["give-up"] !== undefined) {
      await failing(() => giveUpMove({ placements, link }, org));
      print(`${org} stays on ${source}`);
      return 0;
    }
    const { to } = flags;
    if (to === undefined) throw new CliError("missing_value", "say where to: --to PLACEMENT", 2);
    const migrations = readMigrations("tenant");
    if (flags["dry-run"] !== undefined) {
      const { tables, bytes, free } = await failing(() => tryMove({ placements, migrations }, tenant, to));
      print(`${org} is on ${source}: ${tables} tables, some ${Math.ceil(bytes / 1024)} KiB`);
      print(`${to} has room for ${free} more`);
      return 0;
    }
    let progress: ReturnType<typeof showBytes> | null = null;
    const moved = await failing(() =>
      moveTenant(
        {
          placements,
          link,
          migrations,
          onMoment: (moment) => {
            progress?.end();
            progress = null;
            print(`✓ ${says[moment]}`);
          },
          onBytes: (bytes, estimated) => {
            progress ??= showBytes("copying", estimated);
            progress.update(bytes, "rows");
          },
        },
        org,
        to,
      ),
    );
    const rows = moved.rows === null ? "" : `${moved.rows} rows and `;
    print(`${org} is on ${moved.target}: ${rows}${moved.auditEvents} entries of its audit log`);
    return 0;
  },
};

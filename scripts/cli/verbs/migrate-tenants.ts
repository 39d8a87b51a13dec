import { readMigrations } from "../../migrate/files.ts";
import { NoSuchCanary } from "../../migrate/tenants/canary.ts";
import { dryRunTenants } from "../../migrate/tenants/dry-run.ts";
import { showProgressOnStderr } from "../../migrate/tenants/progress.ts";
import { dryRunReport, runReport } from "../../migrate/tenants/report.ts";
import {
  atOnceDefault,
  failuresMaxDefault,
  isComplete,
  lockMsDefault,
  migrateTenants as runOverTenants,
  transactionMsDefault,
} from "../../migrate/tenants/run.ts";
import { CliError, reasonOf } from "../cli-error.ts";
import { operatorExclusive, operatorFlags } from "../operator.ts";
import { orgFlag, orgOf } from "../organisation.ts";
import { placementUrls } from "../placements.ts";
import { recordMigrations } from "../record-migrations.ts";
import type { FlagSpec, Flags, Verb } from "../verb.ts";

/** Connections of one cluster that a run may take; the smallest Neon compute has a hundred for everybody. */
const atOnceMax = 32;
/** Beyond ten minutes nobody should hold a table's locks whatever the file does. */
const secondsEachMax = 600;

function whole(value: string, help: string, min: number, max: number): FlagSpec {
  const refuse = (text: string): string | null =>
    /^\d{1,6}$/.test(text) && Number(text) >= min && Number(text) <= max
      ? null
      : `is not a whole number from ${min} to ${max}`;
  return { value, help, refuse };
}

/** Brings existing tenants to the newest migration. New ones get it from the data Worker. */
export const migrateTenants: Verb = {
  name: "migrate tenants",
  summary: "Brings every tenant's schema to the newest migration: a canary, then waves",
  details: [
    "One transaction a tenant. It may be killed at any moment and run again: it begins by looking at each schema.",
    "A tenant that is in use is retried later instead of making its requests wait. Reads DATABASE_URLS like",
    "`migrate`, unless --state names a stack on this machine. Exit status 0: every tenant is at the newest",
    "migration; 1: some are not, and the report says why; 2: not understood, nothing done. See ADR 18.",
    "With --state or --url each tenant's audit log is told; a database alone has none.",
  ].join("\n"),
  flags: {
    canary: orgFlag("organisation that goes first, alone (default: the one that has been quiet for longest)"),
    "at-once": whole("N", `tenants under way at the same time (default ${atOnceDefault})`, 1, atOnceMax),
    "failures-max": whole("N", `a wave in which more fail is the last (default ${failuresMaxDefault})`, 0, 100_000),
    "seconds-each": whole(
      "N",
      `longest transaction on one tenant (default ${transactionMsDefault / 1000}; above it requests may fail)`,
      1,
      secondsEachMax,
    ),
    "dry-run": { value: null, help: "says what would run where, and tries each file on the canary; keeps nothing" },
    ...operatorFlags,
  },
  exclusive: operatorExclusive,
  examples: ["migrate tenants --dry-run", "migrate tenants --canary demo --at-once 8"],
  async run(flags, print) {
    const placements = placementUrls(flags["state"]);
    const options = {
      placements,
      migrations: readMigrations("tenant"),
      canary: flags["canary"] === undefined ? null : await orgOf(flags, flags["canary"], placements),
      limits: {
        lockMs: lockMsDefault,
        transactionMs: number(flags, "seconds-each", transactionMsDefault / 1000) * 1000,
      },
    };
    try {
      if (flags["dry-run"] !== undefined) {
        const dry = await dryRunTenants(options);
        for (const line of dryRunReport(dry)) print(line);
        return dry.plan.blocked.length === 0 && dry.tried.every(({ failure }) => failure === null) ? 0 : 1;
      }
      const progress = showProgressOnStderr();
      const recorder = recordMigrations(flags, options.migrations.length, progress);
      const result = await runOverTenants({
        ...options,
        progress: recorder.progress,
        atOnce: number(flags, "at-once", atOnceDefault),
        failuresMax: number(flags, "failures-max", failuresMaxDefault),
      });
      progress.end();
      const missed = await recorder.send();
      for (const line of [...runReport(result), ...(missed === null ? [] : [missed])]) print(line);
      return isComplete(result) ? 0 : 1;
    } catch (error) {
      if (error instanceof NoSuchCanary) throw new CliError("no_such_canary", error.message, 2);
      throw new CliError("migrate_failed", reasonOf(error));
    }
  },
};

const number = (flags: Flags, name: string, otherwise: number): number => {
  const text = flags[name];
  return text === undefined ? otherwise : Number(text);
};

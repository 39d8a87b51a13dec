/** Puts on record what a run did to tenants' schemas, where Sentinel itself is there to take it. */
import { operatorMigrationRoutes } from "../../core/routes/operator-migrations.ts";
import type { TenantProgress } from "../migrate/tenants/run.ts";
import { reasonOf } from "./cli-error.ts";
import { patiently } from "./hub-routes.ts";
import { callOperator } from "./operator.ts";
import type { Flags } from "./verb.ts";

interface Migration {
  readonly org: string;
  readonly from_version: number;
  readonly to_version: number;
  readonly action: "applied" | "refused";
}

/** What a run did, as it goes; `send` afterwards, for a migration must not wait for the log. */
export interface MigrationRecorder {
  readonly progress: TenantProgress;
  /** @returns null, or why the rest is on no record: a run that is done is not undone for that */
  send(): Promise<string | null>;
}

/** @param newest number of the newest migration */
export function recordMigrations(flags: Flags, newest: number, shown: TenantProgress): MigrationRecorder {
  const done: Migration[] = [];
  // A database alone has no log.
  const isNamed = flags["url"] !== undefined || flags["state"] !== undefined;
  return {
    progress: {
      planned: (counts) => shown.planned(counts),
      outcome(tenant, outcome) {
        const versions = { org: tenant.org, from_version: tenant.number };
        if (outcome.kind === "migrated") done.push({ ...versions, to_version: outcome.number, action: "applied" });
        // What is busy or does not answer comes again in this run.
        if (outcome.kind === "failed") done.push({ ...versions, to_version: newest, action: "refused" });
        shown.outcome(tenant, outcome);
      },
    },
    async send() {
      if (!isNamed) return null;
      try {
        for (const { org, ...body } of done) {
          const path = operatorMigrationRoutes.recordMigration.path.replace("{target}", org);
          await patiently(() => callOperator(flags, { method: "POST", path, body }));
        }
        return null;
      } catch (error) {
        return `not everything is in the audit log: ${reasonOf(error)}`;
      }
    },
  };
}

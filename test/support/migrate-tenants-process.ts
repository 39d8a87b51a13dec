/**
 * A run over every tenant as a process of its own, to be killed. Given as JSON on the command line: `placements` and
 * how many of the later migrations (later-migrations.ts) it applies. Prints a line when it has a plan, one for each tenant that ended,
 * and its result.
 */
import { isComplete, migrateTenants } from "../../scripts/migrate/tenants/run.ts";
import { withLaterMigrations } from "./later-migrations.ts";

const { placements, later, atOnce } = JSON.parse(process.argv[2] ?? "{}");
const result = await migrateTenants({
  placements,
  migrations: withLaterMigrations(later),
  atOnce,
  progress: { planned: () => console.log("planned"), outcome: ({ org }, { kind }) => console.log(`${org} ${kind}`) },
});
console.log(JSON.stringify(result));
process.exitCode = isComplete(result) ? 0 : 1;

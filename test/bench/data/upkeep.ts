import { readMigrations } from "../../../scripts/migrate/files.ts";
import { verifyTenants } from "../../../scripts/migrate/tenants/verify.ts";
import { createDatabase } from "../../../store/connect.ts";
import { rotatePasswords } from "../../../workers/data/credentials/rotation.ts";
import { askForRotation } from "../../../workers/data/credentials/rotation-directory.ts";
import { checkRights } from "../../../workers/data/provisioner/rights/check.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { milliseconds, type Row } from "../report.ts";

/** As the clock does it, but that nobody waits for the announcement to be known. */
const bounds = { announced: 10_000, rotated: 10_000, atOnce: 4, runMs: 600_000, leadMs: 0 };

const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const startedAtMs = performance.now();
  return [await work(), performance.now() - startedAtMs];
};
const directoryOf = ({ config }: PlacementDatabases) =>
  createDatabase({ url: config.directoryUrl, gateway: config.gateway });

/** What finding out costs that nobody altered a schema. @param count of tenants, all at the newest migration */
export async function benchRights(world: PlacementDatabases, count: number): Promise<Row[]> {
  const [verification, verifyMs] = await timed(() => verifyTenants(world.urls, readMigrations("tenant")));
  if (verification.same !== count)
    throw new Error(`${verification.drifted.length} tenants are not what they should be`);
  const [rights, rightsMs] = await timed(() => checkRights(world.config, directoryOf(world), count));
  if (rights.checked !== count || rights.repaired.length > 0)
    throw new Error("rights differ, or not all were compared");
  return [
    {
      what: "`migrate verify`: the whole schema against its version, for each tenant",
      value: milliseconds(verifyMs / count),
      beside: "–",
    },
    {
      what: "the clock's look at rights, policies and functions, for each tenant",
      value: milliseconds(rightsMs / count),
      beside: "–",
    },
  ];
}

/** New passwords for everybody. Whoever was handed one before has to ask again. */
export async function benchRotation(world: PlacementDatabases): Promise<Row[]> {
  const directory = directoryOf(world);
  const rotate = () => rotatePasswords(world.config, directory, bounds, Date.now);
  await askForRotation(directory, null);
  await rotate();
  const [{ rotated, failed }, rotationMs] = await timed(rotate);
  if (rotated === 0 || failed.length > 0) throw new Error(`rotated ${rotated}; ${JSON.stringify(failed[0])}`);
  return [
    {
      what: `new passwords for ${rotated} roles, ${bounds.atOnce} at once`,
      value: `${((rotated * 1000) / rotationMs).toFixed(1)} a second`,
      beside: "–",
    },
  ];
}

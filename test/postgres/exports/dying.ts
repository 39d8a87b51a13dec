/** A process that dies anywhere, and what is left of an export by then. */
import { expect } from "vitest";
import type { ExportId } from "../../../core/ids.ts";
import { runExport } from "../../../workers/studio/exports/run.ts";
import { runExportUpkeep } from "../../../workers/studio/exports/upkeep.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import { asSuperuser } from "../support.ts";
import type { ExportsKit, Wanted } from "./kit.ts";

/** Each thing that outlives the process: a piece that was written, a row that was changed. */
const isDurable = (text: string): boolean => text.includes("UPDATE control.exports");

/** Services of a process that dies at its n-th point: before a durable write, or behind it with its answer lost. */
export function dying(services: Services, dies: number): { services: Services; reached: () => number } {
  let points = 0;
  const point = (): void => {
    points += 1;
    if (points === dies) throw new Error("killed");
  };
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    point();
    const done = await work();
    point();
    return done;
  };
  const { database, exports } = services;
  const mortal: Services = {
    ...services,
    exports: {
      ...exports,
      step: (call, order) => around(() => exports.step(call, order)),
      assemble: (call, order) => around(() => exports.assemble(call, order)),
      deliver: (call, order) => around(() => exports.deliver(call, order)),
    },
    database: {
      ...database,
      query: (statement, options) =>
        isDurable(statement.text)
          ? around(() => database.query(statement, options))
          : database.query(statement, options),
    },
  };
  return { services: mortal, reached: () => points };
}

/** As if the claim of whoever died had run out. */
export const outlived = (id: ExportId): Promise<unknown> =>
  asSuperuser(
    "UPDATE control.exports SET claimed_until = now() - interval '1 second' WHERE id = $1 AND state <> 'done'",
    [id],
  );
export const partsOf = async (id: ExportId): Promise<string[]> =>
  (
    await asSuperuser(
      "SELECT p.part ->> 'o' AS object FROM control.exports, jsonb_array_elements(parts) AS p (part) WHERE id = $1",
      [id],
    )
  ).map((row) => String(row["object"]));
/** As if it had been over for longer than anybody could still write for it. */
export const settled = (id: ExportId): Promise<unknown> =>
  asSuperuser("UPDATE control.exports SET finished_at = now() - interval '1 hour' WHERE id = $1", [id]);

/** Names of the objects that the bucket has of an export. */
export const objectsOf = async (kit: ExportsKit, org: Organisation, id: ExportId): Promise<string[]> =>
  (await kit.exportBucket.list({ prefix: `${org.id}/${id}/` })).objects.map(
    ({ key }: { key: string }) => key.split("/")[2] ?? "",
  );

/** Has an export made by a process that dies at its n-th point, if it comes so far, and then by another, which ends it. */
export async function madeThrough(kit: ExportsKit, org: Organisation, wanted: Wanted, dies: number) {
  kit.clock.nowMs = Date.now();
  const { services } = kit.studio;
  const id = await kit.begin(org, org.owner, wanted);
  const mortal = dying(services, dies);
  const outcome = await runExport(mortal.services, id).then(
    () => "lived" as const,
    () => "killed" as const,
  );
  await outlived(id);
  await runExport(services, id);
  expect([dies, (await kit.show(org, org.owner, id)).state]).toEqual([dies, "done"]);
  return { id, outcome, reached: mortal.reached() };
}

/** The bucket has what the export's row names, and nothing that somebody left who died at the n-th point. */
export async function expectNothingElse(kit: ExportsKit, org: Organisation, id: ExportId, dies: number): Promise<void> {
  await settled(id);
  await runExportUpkeep(kit.studio.services);
  expect([dies, (await objectsOf(kit, org, id)).toSorted()]).toEqual([dies, (await partsOf(id)).toSorted()]);
}

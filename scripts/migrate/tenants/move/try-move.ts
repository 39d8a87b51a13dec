/** What a move would do, and whether anything is in its way; nothing is changed. */
import { tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { openSnapshot } from "../../../backup/snapshot.ts";
import { asOwner } from "../../owner.ts";
import type { FoundTenant } from "../find-tenant.ts";
import { MoveRefused } from "./move-refused.ts";
import type { MoveWorld } from "./run.ts";

export interface TriedMove {
  readonly tables: number;
  /** Of its tables on disk. */
  readonly bytes: number;
  /** Tenants that the placement has room for. */
  readonly free: number;
}

/** @throws MoveRefused, CatalogueRefused, the drivers' errors */
export async function tryMove(
  { placements, migrations }: Pick<MoveWorld, "placements" | "migrations">,
  { org, placement: source }: FoundTenant,
  target: string,
): Promise<TriedMove> {
  const urlOf = (name: string): string => {
    const found = placements.find((placement) => placement.name === name);
    if (found === undefined) throw new MoveRefused("no_such_placement", `no connection to placement ${name} was given`);
    return found.url;
  };
  if (source === target) throw new MoveRefused("no_such_placement", `it is on ${target}`);
  const { catalogue, bytesEstimated } = await asOwner(urlOf(source), (client) => openSnapshot(client, org, Date.now()));
  if (catalogue.schema > (migrations.at(-1)?.number ?? 0))
    throw new MoveRefused("unknown_schema", `its schema is of migration ${catalogue.schema}; use the program of then`);
  const name = tenantIdentifier(org);
  const there = await asOwner(urlOf(target), async (client) => {
    const { rows } = await client.query<{ there: boolean }>("SELECT to_regnamespace($1) IS NOT NULL AS there", [name]);
    return rows[0]?.there === true;
  });
  const { free, left } = await asOwner(placements[0].url, async (client) => {
    const { rows } = await client.query<{ free: number; left: boolean }>(
      `SELECT p.tenants_max - (SELECT count(*)::int FROM control.organisation_placements o
           WHERE p.name IN (o.placement, o.moving_to)) AS free,
         EXISTS (SELECT FROM control.placement_moves m WHERE m.org_id = $2) AS left
       FROM control.placements p WHERE p.name = $1`,
      [target, org],
    );
    return rows[0] ?? { free: 0, left: false };
  });
  if (there && !left) throw new MoveRefused("other_tables", `${target} has a schema of its name that no move made`);
  if (free < 1) throw new MoveRefused("placement_full", `${target} is full`);
  return { tables: catalogue.tables.length, bytes: bytesEstimated, free };
}

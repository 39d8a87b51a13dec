/** Placements as the control plane knows them. */
import type { PlacementFill } from "../../workers/data/directory.ts";
import type { PlacementUrl } from "./database-urls.ts";
import { migrate } from "./migrate.ts";
import { asOwner } from "./owner.ts";
import { loadRolePasswords, rolePasswordsOf } from "./role-passwords.ts";
import { ensureRoles } from "./roles.ts";

/** Makes placements known to the control plane; those it knows stay as they are. */
export async function registerPlacements(ownerUrl: string, names: readonly string[]): Promise<void> {
  await asOwner(ownerUrl, (client) =>
    client.query("INSERT INTO control.placements (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [names]),
  );
}

/** The control plane knows a placement of this name. */
export class PlacementExists extends Error {}

export interface NewPlacement {
  /** All of them; the first holds the control plane. */
  readonly urls: readonly [PlacementUrl, ...PlacementUrl[]];
  readonly name: string;
  readonly tenantsMax: number;
  readonly rolePasswordsFile: string;
  readonly log: (line: string) => void;
}

/**
 * Makes roles and schemas of a new placement, and last its place in the directory: cut short anywhere, the same
 * call finishes it.
 * @throws PlacementExists, MigrationFailed
 */
export async function addPlacement({ urls, name, tenantsMax, rolePasswordsFile, log }: NewPlacement): Promise<void> {
  const [first] = urls;
  const placement = urls.find((url) => url.name === name);
  if (placement === undefined) throw new Error(`no address of ${name} was given`);
  const known = await placementFills(first.url);
  if (known.some((fill) => fill.placement === name)) throw new PlacementExists(`${name} is a placement already`);
  const names = urls.map((url) => url.name);
  const passwords = loadRolePasswords(rolePasswordsFile, names);
  await ensureRoles(placement.url, rolePasswordsOf(passwords, name, placement === first));
  await migrate({ databaseUrl: placement.url, sets: ["placement"], log: (line) => log(`${name}: ${line}`) });
  await asOwner(first.url, (client) =>
    client.query("INSERT INTO control.placements (name, tenants_max) VALUES ($1, $2)", [name, tenantsMax]),
  );
}

/** What each placement holds, by name. */
export async function placementFills(ownerUrl: string): Promise<PlacementFill[]> {
  const { rows } = await asOwner(ownerUrl, (client) =>
    client.query<PlacementFill>(
      `SELECT p.name AS placement, p.tenants_max AS "tenantsMax", count(o.org_id)::int AS tenants
       FROM control.placements p LEFT JOIN control.organisation_placements o ON o.placement = p.name
       GROUP BY p.name ORDER BY p.name`,
    ),
  );
  return rows;
}

/** @returns false when there is no such placement */
export async function setTenantsMax(ownerUrl: string, name: string, tenantsMax: number): Promise<boolean> {
  const { rowCount } = await asOwner(ownerUrl, (client) =>
    client.query("UPDATE control.placements SET tenants_max = $2 WHERE name = $1", [name, tenantsMax]),
  );
  return rowCount === 1;
}

/** Backups from beginning to end: connections, keys, files. What the verbs and the benchmark call. */
import { performance } from "node:perf_hooks";
import type pg from "pg";
import type { StreamTotals } from "../../core/backup/frames.ts";
import type { BackupHeader, StreamDescription } from "../../core/backup/header.ts";
import { openBackup } from "../../core/backup/read.ts";
import type { KeyWrapper } from "../../core/crypto/key-wrapper.ts";
import type { BackupId, OrgId } from "../../core/ids.ts";
import type { TenantMigration } from "../../workers/data/provisioner/tenant-schema.ts";
import type { PlacementUrl } from "../migrate/database-urls.ts";
import { asOwner } from "../migrate/owner.ts";
import { recordTenant } from "../migrate/tenants/ledger.ts";
import { backUpTenant } from "./back-up-tenant.ts";
import { keepKey, keyOf, newBackup, noteVerified } from "./custody.ts";
import { fileEnding, readFileBytes, writeFileWhole } from "./files.ts";
import { type HubLink, reconcileHub } from "./hub-link.ts";
import type { PlatformLink } from "./platform-link.ts";
import type { PointInTime } from "./point-in-time.ts";
import type { ByteProgress } from "./progress.ts";
import { type Restored, restoreTenant } from "./restore-tenant.ts";
import { newSha256 } from "./running-hash.ts";

export interface World {
  /** Owner's connections; the first holds the control plane. */
  readonly placements: readonly [PlacementUrl, ...PlacementUrl[]];
  readonly keeper: KeyWrapper;
  /** Null: no Sentinel that runs was named, so its hubs are left out. */
  readonly hub: HubLink | null;
  /** Null likewise: backups that the platform made stay shut. */
  readonly platform: PlatformLink | null;
}

/** The organisation, or its placement, is not one of those that were named. */
export class NoSuchOrganisation extends Error {
  override readonly name = "NoSuchOrganisation";
}

/** An organisation's placement as it was. */
export interface PastPlacement {
  /** The owner's connection to a copy of that moment. */
  readonly url: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The placement as it was at a moment, for as long as `work` takes. @throws PointInTimeRefused */
export async function atMoment<T>(
  history: PointInTime,
  moment: string,
  work: (then: PastPlacement) => Promise<T>,
): Promise<T> {
  const branch = await history.branchAt(moment);
  try {
    return await work({ url: branch.url, at: new Date(moment).toISOString() });
  } finally {
    await branch.remove();
  }
}

export interface BackedUp {
  readonly backup: BackupId;
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  readonly rows: number;
}

/**
 * Backs one organisation up into a file, and reads it again: a backup that nobody has read is none.
 * @throws CatalogueRefused, CustodyRefused, NoSuchOrganisation, errors of Postgres and of the disk
 */
export async function backUpToFile(
  world: World,
  org: OrgId,
  folder: string,
  progress?: (total: number) => ByteProgress,
  then?: PastPlacement,
): Promise<BackedUp> {
  const { url: controlUrl } = world.placements[0];
  const url = then?.url ?? (await asOwner(controlUrl, (control) => placementOf(world, control, org)));
  return await asOwner(controlUrl, (custody) =>
    asOwner(url, (tenant) =>
      asOwner(url, (audit) =>
        asOwner(controlUrl, async (control) => {
          const made = await newBackup(custody, org, Date.now());
          let shown: ByteProgress | undefined;
          const backup = await backUpTenant({
            org,
            ...made,
            tenant,
            audit,
            control,
            // What it holds now has nothing to do with another moment's rows.
            hub: then === undefined ? world.hub : null,
            ...(then === undefined ? {} : { asOf: then.at }),
            nowMs: Date.now(),
            onProgress: (bytes, stream) => shown?.update(bytes, stream),
          });
          shown = progress?.(backup.bytesEstimated);
          const result = { backup: made.backup, bytes: 0, rows: 0 };
          const name = `${org}.${made.backup}${fileEnding}`;
          const path = await writeFileWhole(folder, name, backup.bytes, async ({ bytes, sha256 }, partial) => {
            shown?.end();
            const { rows } = await readAll(partial, made.key);
            const header = { ...backup.header, org };
            await keepKey(custody, world.keeper, { header, key: made.key, bytes, rows, sha256 });
            await noteVerified(custody, made.backup);
            // Before the file has its name: one that is there was put on record.
            await world.hub?.record(org, "backed_up", made.backup);
            Object.assign(result, { bytes, rows });
          });
          return { ...result, path };
        }),
      ),
    ),
  );
}

export interface Verified {
  readonly header: BackupHeader;
  readonly streams: readonly (StreamTotals & { readonly stream: StreamDescription })[];
  readonly rows: number;
  /** Of the rows. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** Reads a file to its end, and notes that it did. @throws BackupRefused, CustodyRefused */
export async function verifyFile(world: World, path: string): Promise<Verified> {
  return (await openAndRead(world, path)).verified;
}

/** {@link verifyFile}, with the key: asking for it is on record, so it is asked for once. */
async function openAndRead(
  { placements, keeper, platform }: World,
  path: string,
): Promise<{ verified: Verified; key: Uint8Array<ArrayBuffer> }> {
  const { header } = await openBackup(readFileBytes(path));
  return await asOwner(placements[0].url, async (control) => {
    const key = await keyOf(control, keeper, platform, header);
    const verified = await readAll(path, key);
    await noteVerified(control, header.backup);
    return { verified, key };
  });
}

async function readAll(path: string, key: Uint8Array): Promise<Verified> {
  const startedAt = performance.now();
  const backup = await openBackup(readFileBytes(path));
  const streams: (StreamTotals & { stream: StreamDescription })[] = [];
  for await (const event of backup.events(key, newSha256)) if (event.kind === "end") streams.push(event);
  const sum = (of: (stream: StreamTotals) => number): number =>
    streams.reduce((total, stream) => total + of(stream), 0);
  return {
    header: backup.header,
    streams,
    rows: sum(({ rows }) => rows),
    bytes: sum(({ bytes }) => bytes),
    elapsedMs: performance.now() - startedAt,
  };
}

/**
 * Restores a file into an organisation. The file is read whole before the first statement, so that nobody waits for
 * a restore that can't succeed.
 * @throws BackupRefused, CustodyRefused, RestoreRefused, NoSuchOrganisation
 */
export async function restoreFromFile(
  world: World,
  path: string,
  into: OrgId,
  migrations: readonly TenantMigration[],
  progress?: (total: number) => ByteProgress,
): Promise<Restored> {
  const { verified, key } = await openAndRead(world, path);
  return await asOwner(world.placements[0].url, async (control) => {
    const { backup } = verified.header;
    // First, and nothing is done when it can't be written.
    await world.hub?.record(into, "restore_begun", backup);
    const shown = progress?.(verified.bytes);
    const restored = await asOwner(await placementOf(world, control, into), async (client) =>
      restoreTenant({
        backup: await openBackup(readFileBytes(path)),
        key,
        into,
        client,
        migrations,
        onProgress: (bytes, stream) => shown?.update(bytes, stream),
      }),
    );
    shown?.end();
    // After the commit, as a wave of migrations does: the index can only be behind.
    await recordTenant(control, into, migrations.at(-1)?.number ?? 0);
    await world.hub?.record(into, "restored", backup);
    return restored;
  });
}

/**
 * Tells an organisation's hub what its schema has now. Nothing to do without a hub.
 * @returns how many devices it knows, or null
 * @throws NoSuchOrganisation
 */
export async function tellHub(world: Pick<World, "placements" | "hub">, org: OrgId): Promise<number | null> {
  const { hub, placements } = world;
  if (hub === null) return null;
  const url = await asOwner(placements[0].url, (control) => placementOf(world, control, org));
  return await asOwner(url, (client) => reconcileHub(hub, client, org));
}

/** The owner's address of an organisation's placement. @throws NoSuchOrganisation */
async function placementOf(
  { placements }: Pick<World, "placements">,
  control: pg.ClientBase,
  org: OrgId,
): Promise<string> {
  const { rows } = await control.query<{ placement: string }>(
    "SELECT placement FROM control.organisation_placements WHERE org_id = $1 AND ready_at IS NOT NULL",
    [org],
  );
  const found = placements.find(({ name }) => name === rows[0]?.placement);
  if (found === undefined) throw new NoSuchOrganisation(`${org} is on none of the placements that were named`);
  return found.url;
}

/** {@link placementOf}, by a connection of its own. @throws NoSuchOrganisation */
export const placementUrlOf = (world: Pick<World, "placements">, org: OrgId): Promise<string> =>
  asOwner(world.placements[0].url, (control) => placementOf(world, control, org));

/** Every organisation that has a schema. */
export function everyOrganisation({ placements }: World): Promise<OrgId[]> {
  return asOwner(placements[0].url, async (control) => {
    const { rows } = await control.query<{ org: OrgId }>(
      "SELECT org_id AS org FROM control.organisation_placements WHERE ready_at IS NOT NULL ORDER BY org_id",
    );
    return rows.map(({ org }) => org);
  });
}

/** The slug by which people know an organisation, or null. */
export function slugOf({ placements }: World, org: OrgId): Promise<string | null> {
  return asOwner(placements[0].url, async (control) => {
    const { rows } = await control.query<{ slug: string }>("SELECT slug FROM control.organisations WHERE id = $1", [
      org,
    ]);
    return rows[0]?.slug ?? null;
  });
}

/**
 * Moves an organisation's database to another placement without losing a write:
 * 1. `announced`: the directory says where to; nobody remembers its place any more, and nobody changes its role;
 * 2. `closed`: the API writes nothing. Then the old schema takes no write, from whomever;
 * 3. `copied`: one snapshot of it is there, compared row by row. Then nobody can log in to the old one;
 * 4. `switched`: one statement, and everybody who asks is led there;
 * 5. `done`: its audit rows are there, too. The data Worker drops what is left behind after a grace.
 * Killed anywhere, the same command goes on. What devices send waits in their hub meanwhile.
 *
 * The order is the point: whatever was acknowledged was committed before the freeze, and so is in the snapshot;
 * whatever comes later is refused by the old place until the new one is the only one.
 */
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { OrgId } from "../../../../core/ids.ts";
import { tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { announcedMs } from "../../../../workers/data/credentials/rotation-directory.ts";
import type { TenantMigration } from "../../../../workers/data/provisioner/tenant-schema.ts";
import { openSnapshot } from "../../../backup/snapshot.ts";
import type { PlacementUrl } from "../../database-urls.ts";
import { asOwner } from "../../owner.ts";
import { copyAuditRows } from "./audit-rows.ts";
import { copySchema } from "./copy-schema.ts";
import {
  forget,
  type MoveStep,
  noteClosed,
  noteCopied,
  noteDone,
  type OpenMove,
  restOf,
  switchOver,
  takeBack,
  takeOver,
} from "./ledger.ts";
import { MoveRefused } from "./move-refused.ts";
import { freezeSchema, openAgain, shutOut } from "./shut-source.ts";

/** What the running Sentinel does for a move, by the operator's routes. */
export interface MoveLink {
  /** Begins it, or finds it under way; on record first. */
  begin(org: OrgId, placement: string): Promise<void>;
  /** It is there: looked at by the data Worker, and on record. */
  finish(org: OrgId): Promise<void>;
  /** Puts on record that it stays where it is. */
  giveUp(org: OrgId): Promise<void>;
}

/** What has just been done, beside the steps that the ledger knows. */
export type MoveMoment = MoveStep | "frozen" | "shut_out" | "recorded" | "audit_copied";

export interface MoveWorld {
  /** Owner's connections; the first holds the control plane. */
  readonly placements: readonly [PlacementUrl, ...PlacementUrl[]];
  readonly link: MoveLink;
  /** All of migrations/tenant, in order. */
  readonly migrations: readonly TenantMigration[];
  readonly onMoment?: (moment: MoveMoment) => void;
  readonly onBytes?: (bytes: number, estimated: number) => void;
  /** See {@link announcedMs}; shorter in tests alone. */
  readonly leadMs?: number;
}

export interface Moved {
  readonly source: string;
  readonly target: string;
  /** Of this run; null: they were copied by one before. */
  readonly rows: number | null;
  readonly auditEvents: number;
}

/**
 * Begins a move or goes on with it.
 * @throws MoveRefused, CatalogueRefused, what the link throws, the drivers' errors: run it again
 */
export async function moveTenant(world: MoveWorld, org: OrgId, placement: string): Promise<Moved> {
  const { placements, link, leadMs = announcedMs, onMoment = () => undefined } = world;
  await link.begin(org, placement);
  return await asOwner(placements[0].url, async (control) => {
    const move = await takeOver(control, org);
    const name = tenantIdentifier(org);
    const [sourceUrl, targetUrl] = [urlOf(world, move.source), urlOf(world, move.target)];
    let { step } = move;
    let rows: number | null = null;
    if (step === "announced" || step === "closed") {
      if (step === "announced") {
        onMoment("announced");
        // Before anybody has to wait for anything: what can't be copied is not closed.
        await asOwner(sourceUrl, (source) => openSnapshot(source, org, Date.now()));
        await waitFor(control, move, "announced_at", leadMs);
      }
      await noteClosed(control, move);
      onMoment("closed");
      await asOwner(sourceUrl, (source) => freezeSchema(source, name));
      onMoment("frozen");
      rows = await asOwner(sourceUrl, (source) =>
        asOwner(targetUrl, (target) =>
          copySchema({
            org,
            source,
            target,
            migrations: world.migrations,
            ...(world.onBytes === undefined ? {} : { onProgress: world.onBytes }),
            beforeCommit: () => noteClosed(control, move),
          }),
        ),
      );
      await noteCopied(control, move, rows);
      step = "copied";
      onMoment("copied");
    }
    if (step === "copied") {
      await asOwner(sourceUrl, (source) => shutOut(source, name));
      onMoment("shut_out");
      await switchOver(control, move);
      onMoment("switched");
    }
    await link.finish(org);
    onMoment("recorded");
    if (step !== "done") await waitFor(control, move, "switched_at", leadMs);
    const auditEvents = await asOwner(sourceUrl, (source) =>
      asOwner(targetUrl, (target) => copyAuditRows(source, target, org)),
    );
    onMoment("audit_copied");
    if (step !== "done") await noteDone(control, move);
    onMoment("done");
    return { source: move.source, target: move.target, rows, auditEvents };
  });
}

/**
 * Gives a move up that has not been switched: the organisation stays where it is. What was copied is dropped first,
 * then the old schema opens, and last the directory forgets; killed anywhere, the same again.
 * @throws MoveRefused `not_moving`, `too_late`, `taken_over`, the drivers' errors
 */
export async function giveUpMove(world: Pick<MoveWorld, "placements" | "link">, org: OrgId): Promise<void> {
  await asOwner(world.placements[0].url, async (control) => {
    const move = await takeOver(control, org);
    const name = tenantIdentifier(org);
    await takeBack(control, move);
    await world.link.giveUp(org);
    await asOwner(urlOf(world, move.target), (target) => dropCopy(target, name));
    await asOwner(urlOf(world, move.source), (source) => openAgain(source, name));
    await forget(control, move);
  });
}

async function dropCopy(target: pg.ClientBase, name: string): Promise<void> {
  await target.query("BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL ROLE sentinel_provisioner");
  await target.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
  const { rows } = await target.query("SELECT FROM pg_roles WHERE rolname = $1", [name]);
  if (rows.length > 0)
    await target.query(`GRANT ${name} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
      DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
  await target.query("COMMIT");
}

async function waitFor(
  control: pg.ClientBase,
  move: OpenMove,
  since: "announced_at" | "switched_at",
  leadMs: number,
): Promise<void> {
  await delay(await restOf(control, move, since, leadMs));
}

function urlOf({ placements }: Pick<MoveWorld, "placements">, name: string): string {
  const found = placements.find((placement) => placement.name === name);
  if (found === undefined) throw new MoveRefused("no_such_placement", `no connection to placement ${name} was given`);
  return found.url;
}

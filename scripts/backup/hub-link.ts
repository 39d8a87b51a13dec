/** An organisation's hub, as a backup reads it and a restore tells it what is there now. */
import type pg from "pg";
import { hubLines } from "../../core/backup/hub-lines.ts";
import type { BackupId, DeviceId, GroupId, OrgId, UserId } from "../../core/ids.ts";
import { type HubExport, type HubRange, hubRangeItemsMax } from "../../core/rpc/hub-backup.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { openSnapshot } from "./snapshot.ts";

/** What the operator's routes offer; the verbs speak HTTP for it (scripts/cli/hub-routes.ts). */
export interface HubLink {
  begin(org: OrgId): Promise<HubExport>;
  read(org: OrgId, which: string, object: string, page: number): Promise<Uint8Array>;
  end(org: OrgId, which: string): Promise<void>;
  reconcile(org: OrgId, range: HubRange): Promise<void>;
  /** Writes to the platform's log and the organisation's own. */
  record(org: OrgId, action: "backed_up" | "restore_begun" | "restored", backup: BackupId): Promise<void>;
}

/**
 * Begins a copy and gives its rows as COPY writes them: the object's name, and `["table", {column: value}]` as JSON.
 * The copy is made now, so that it is of the moment of the backup's snapshot as nearly as can be.
 */
export async function openHub(link: HubLink, org: OrgId): Promise<() => AsyncGenerator<Uint8Array<ArrayBuffer>>> {
  const begun = await link.begin(org);
  return async function* lines() {
    yield* hubLines(begun, (object, page) => link.read(org, begun.export, object, page));
    await link.end(org, begun.export);
  };
}

/**
 * Tells a hub which devices, tokens and groups the organisation's schema has, and so which it no longer has.
 * @param client the owner's connection to its placement, fresh and for this alone
 * @returns how many devices there are
 */
export async function reconcileHub(link: HubLink, client: pg.ClientBase, org: OrgId): Promise<number> {
  await openSnapshot(client, org, Date.now());
  const schema = tenantIdentifier(org);
  const { rows: devices } = await client.query<{ device: DeviceId; tokenSha256: string }>(
    `SELECT id AS device, token_sha256 AS "tokenSha256" FROM ${schema}.devices ORDER BY id COLLATE "C"`,
  );
  const { rows: groups } = await client.query<{ group: GroupId; devices: DeviceId[]; members: UserId[] }>(
    `SELECT g.id AS "group",
       coalesce((SELECT array_agg(d.device_id ORDER BY d.device_id) FROM ${schema}.group_devices d WHERE d.group_id = g.id), '{}') AS devices,
       coalesce((SELECT array_agg(m.user_id ORDER BY m.user_id) FROM ${schema}.group_members m WHERE m.group_id = g.id), '{}') AS members
     FROM ${schema}.groups g ORDER BY g.id COLLATE "C"`,
  );
  for (const { items, ...ends } of ranges(
    devices,
    ({ device }) => device,
    () => 1,
  ))
    await link.reconcile(org, { kind: "devices", ...ends, devices: items });
  for (const { items, ...ends } of ranges(
    groups,
    ({ group }) => group,
    (each) => each.devices.length + each.members.length,
  ))
    await link.reconcile(org, { kind: "groups", ...ends, groups: items });
  return devices.length;
}

/** Ids in one range: some 35 bytes each, under a body's 64 KiB. A group that has more goes alone, and is too large. */
const rangeIdsMax = 1500;

/** Items in ranges that touch each other: the first begins before everything and the last ends behind it. */
function* ranges<T, I extends string>(
  items: readonly T[],
  idOf: (item: T) => I,
  weightOf: (item: T) => number,
): Generator<{ after: I | null; until: I | null; items: T[] }> {
  let after: I | null = null;
  let part: T[] = [];
  let weight = 0;
  for (const [index, item] of items.entries()) {
    part.push(item);
    weight += weightOf(item);
    const next = items[index + 1];
    if (next === undefined) break;
    if (part.length < hubRangeItemsMax && weight + weightOf(next) <= rangeIdsMax) continue;
    const until = idOf(item);
    yield { after, until, items: part };
    [after, part, weight] = [until, [], 0];
  }
  yield { after, until: null, items: part };
}

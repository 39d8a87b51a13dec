/**
 * Has every organisation's wrapped keys wrapped anew, one after the other, and says from the database itself whether
 * anything is left under another key-encryption key than the present one. Killed at any moment, the same command
 * leaves out whom it has done: what is wrapped names the key that wrapped it, and nothing else is kept.
 */
import type pg from "pg";
import type { OrgId } from "../../../core/ids.ts";
import { asOwner } from "../owner.ts";
import type { Counts } from "./progress.ts";

export interface RewrapRun {
  /** The owner's connection to the control plane. */
  readonly controlUrl: string;
  /** Asks the Sentinel that runs to wrap one organisation's keys anew. */
  readonly rewrap: (org: OrgId) => Promise<void>;
  readonly onLook: (counts: Counts) => void;
}

export interface RewrapResult {
  /** Organisations that were wrapped anew by this run. */
  readonly rewrapped: number;
  /** Those that were already. */
  readonly before: number;
  readonly failed: readonly { readonly org: OrgId; readonly error: unknown }[];
  /** Who has something under another key than the present one, as the database has it after the run. */
  readonly left: readonly OrgId[];
}

/** @throws the driver's errors when the control plane can't be asked */
export async function rewrapEverybody({ controlUrl, rewrap, onLook }: RewrapRun): Promise<RewrapResult> {
  const sealed = await asOwner(controlUrl, (client) => sealedUnder(client));
  const startedAt = performance.now();
  const failed: { org: OrgId; error: unknown }[] = [];
  // Which key is the present one, only what it has just wrapped can tell.
  let present: string | null = null;
  let [rewrapped, before] = [0, 0];
  for (const [org, keys] of sealed) {
    if (present !== null && keys.every((key) => key === present)) before += 1;
    else {
      try {
        await rewrap(org);
        rewrapped += 1;
        present ??= await asOwner(controlUrl, async (client) => (await sealedUnder(client, org)).get(org)?.[0] ?? null);
      } catch (error) {
        failed.push({ org, error });
      }
    }
    const done = rewrapped + before;
    onLook({ done, pending: sealed.size, busy: 0, failed: failed.length, elapsedMs: performance.now() - startedAt });
  }
  const after = await asOwner(controlUrl, (client) => sealedUnder(client));
  const left = [...after].filter(([, keys]) => keys.some((key) => key !== present)).map(([org]) => org);
  return { rewrapped, before, failed, left };
}

/**
 * The key-encryption keys, by the id that what they sealed begins with (core/crypto/sentinel-keeper.ts), of each
 * organisation that has something under Sentinel's own: its data keys, or what its own keeper knows us by.
 */
async function sealedUnder(client: pg.ClientBase, only: OrgId | null = null): Promise<Map<OrgId, readonly string[]>> {
  const { rows } = await client.query<{ org: OrgId; keys: string[] }>(
    `SELECT s.org_id AS org, array_agg(DISTINCT split_part(sealed.text, '.', 2)) AS keys
     FROM control.encryption_settings s
     CROSS JOIN LATERAL (
       SELECT k.wrapped AS text FROM control.data_keys k WHERE k.org_id = s.org_id AND s.keeper = 'sentinel'
       UNION ALL SELECT s.keeper_credentials WHERE s.keeper_credentials IS NOT NULL) AS sealed
     WHERE s.shredded_at IS NULL AND ($1::text IS NULL OR s.org_id = $1)
     GROUP BY s.org_id ORDER BY s.org_id`,
    [only],
  );
  return new Map(rows.map(({ org, keys }) => [org, keys]));
}

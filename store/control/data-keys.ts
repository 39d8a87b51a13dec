import type { OrgId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";

/**
 * Deletes every wrapped key of an organisation, irrevocably, and sees to it that it gets no further one:
 * whatever they sealed (rows, and the keys of backups) can't be opened any more, wherever a copy lies.
 * An isolate that has a key in memory forgets it within minutes. A second time it does nothing.
 * @returns how many keys there were
 * @throws DatabaseError
 */
export async function shredDataKeys(database: Database, org: OrgId): Promise<number> {
  const [, rows] = await database.transaction([
    // First, so that whoever adds a key meanwhile waits for this row and then finds it shredded. The
    // keeper's credentials go along: nothing is left to ask it for.
    sql`INSERT INTO control.encryption_settings AS s (org_id, version, shredded_at)
      SELECT p.org_id, 1, now() FROM control.organisation_placements p WHERE p.org_id = ${org}
      ON CONFLICT (org_id) DO UPDATE SET current_key = NULL, version = s.version + 1, keeper = 'sentinel',
        keeper_settings = '{}', keeper_credentials = NULL, shredded_at = now()
      WHERE s.shredded_at IS NULL`,
    sql`DELETE FROM control.data_keys WHERE org_id = ${org} RETURNING 1`,
  ]);
  return rows?.length ?? 0;
}

import { type Database, sql } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";

/** The organisation is being erased, or was: nothing of it is made again. */
export class TenantErased extends Error {
  override readonly name = "TenantErased";
}

/**
 * Whatever would make or mend a schema asks first: a late packet of an erased organisation, whose schema it finds
 * missing, must not bring it back. @throws TenantErased, DatabaseError
 */
export async function refuseErased(directory: Database, { org }: OrgScope): Promise<void> {
  const rows = await directory.query(
    sql`SELECT FROM control.org_deletions WHERE org_id = ${org} AND started_at IS NOT NULL`,
    { readOnly: true },
  );
  if (rows.length > 0) throw new TenantErased("the organisation was erased");
}

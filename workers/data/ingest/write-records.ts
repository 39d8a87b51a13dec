import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { DatabaseError } from "../../../store/connect.ts";
import { logEvent } from "../log.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";
import { ingestStatements } from "./statements.ts";

/** Records in one call: 16 KiB each stay under 32 MiB, the largest message between Workers. */
export const ingestRecordsMax = 2000;

/** SQLSTATE classes that blame the data itself: it would be refused for ever. */
const unstorable = /^2[23]/;

/**
 * Stores a batch in one round trip. Returning means: stored, all of it, but for records that no
 * Postgres could ever store; those are dropped and counted, so that one can't block its outbox.
 * @throws CallRefused, TenantNotReady, DatabaseError, RangeError
 */
export async function writeRecords(
  unit: DataUnit,
  call: SignedCall,
  org: OrgId,
  records: readonly IngestRecord[],
): Promise<void> {
  await verifyCall(call, { audience: "data.ingest", org, jobs: ["ingest"] }, unit.keys, unit.now());
  if (!Array.isArray(records) || records.length > ingestRecordsMax)
    throw new RangeError("too many records in one call");
  const dropped = await store(unit, org, records);
  if (dropped > 0) logEvent({ event: "records_dropped", org, count: dropped });
}

/** Halves a refused batch until the record at fault stands alone. */
async function store(unit: DataUnit, org: OrgId, records: readonly IngestRecord[]): Promise<number> {
  if (records.length === 0) return 0;
  try {
    await runAsSystem(unit, org, ingestStatements(records));
    return 0;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code === null || !unstorable.test(error.code)) throw error;
    if (records.length === 1) return 1;
    const middle = Math.ceil(records.length / 2);
    // In order: a device's presence must end with its last word.
    const before = await store(unit, org, records.slice(0, middle));
    return before + (await store(unit, org, records.slice(middle)));
  }
}

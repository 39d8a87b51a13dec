import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { DatabaseError, sqlState } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { logEvent } from "../log.ts";
import { createTenant } from "../provisioner/create-tenant.ts";
import { tenantMigrations } from "../provisioner/tenant-migrations.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";
import { sealReplies } from "./seal-replies.ts";
import { ingestWork, type SamplesStored, type StorableRecord } from "./statements.ts";

/** Records in one call: 16 KiB each stay under 32 MiB, the largest message between Workers. */
export const ingestRecordsMax = 2000;

/** SQLSTATE classes that blame the data itself: it would be refused for ever. */
const unstorable = /^2[23]/;

/** Counts of one batch; see {@link SamplesStored}. */
interface Outcome extends SamplesStored {
  /** Records that no Postgres could ever store. */
  readonly unstorable: number;
}
const nothing: Outcome = { stored: 0, tooOld: 0, retimed: 0, unstorable: 0 };

/**
 * Stores a batch in one round trip. Returning means: stored, all of it, but for records that no
 * Postgres could ever store and samples from before what is kept; those are dropped and counted, so
 * that one can't block its outbox.
 * @throws CallRefused, TenantNotReady, DatabaseError, RangeError
 */
export async function writeRecords(
  unit: DataUnit,
  call: SignedCall,
  org: OrgId,
  records: readonly IngestRecord[],
): Promise<void> {
  const verified = await verifyCall(call, { audience: "data.ingest", org, jobs: ["ingest"] }, unit.keys, unit.now());
  if (!Array.isArray(records) || records.length > ingestRecordsMax)
    throw new RangeError("too many records in one call");
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  const { unstorable, tooOld, retimed } = await storeMigrated(unit, scope, records);
  if (unstorable > 0) logEvent({ event: "records_dropped", org, count: unstorable });
  if (tooOld > 0) logEvent({ event: "samples_too_old", org, count: tooOld });
  if (retimed > 0) logEvent({ event: "samples_retimed", org, count: retimed });
}

/** A schema that is older than this release is brought up to it first: its devices don't wait for anybody. */
async function storeMigrated(unit: DataUnit, scope: OrgScope, records: readonly IngestRecord[]): Promise<Outcome> {
  const storable = await sealReplies(unit, scope, records);
  try {
    return await store(unit, scope, storable);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== sqlState.undefinedFunction) throw error;
    await createTenant(unit.config, scope, tenantMigrations);
    return store(unit, scope, storable);
  }
}

/** Halves a refused batch until the record at fault stands alone. */
async function store(unit: DataUnit, scope: OrgScope, records: readonly StorableRecord[]): Promise<Outcome> {
  if (records.length === 0) return nothing;
  const work = ingestWork(records);
  try {
    return { ...work.counts(await runAsSystem(unit, scope, work.statements)), unstorable: 0 };
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code === null || !unstorable.test(error.code)) throw error;
    if (records.length === 1) return { ...nothing, unstorable: 1 };
    const middle = Math.ceil(records.length / 2);
    // In order: a device's presence must end with its last word.
    const before = await store(unit, scope, records.slice(0, middle));
    return sum(before, await store(unit, scope, records.slice(middle)));
  }
}

function sum(a: Outcome, b: Outcome): Outcome {
  return {
    stored: a.stored + b.stored,
    tooOld: a.tooOld + b.tooOld,
    retimed: a.retimed + b.retimed,
    unstorable: a.unstorable + b.unstorable,
  };
}

/** What a backup needs and the tenant's own role may not read: its log's drained entries, and a backup's wrapped key. */
import { auditStream } from "../../../core/backup/streams.ts";
import { parseId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { auditPageEntriesMax, type BackupSourceRpc } from "../../../core/rpc/backups.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { readWrappedKey } from "../../../store/control/backups.ts";
import { numberOf, textOf } from "../../../store/control/columns.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { copyLine } from "../../../store/copy-line.ts";
import { readSchemaNumber } from "../../../store/tenant/backup-catalogue.ts";
import { placementFor } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

type Answer<Method extends keyof BackupSourceRpc> = Awaited<ReturnType<BackupSourceRpc[Method]>>;

/** @throws CallRefused, TenantNotReady, DatabaseError */
export async function schemaNumberOf(unit: DataUnit, call: SignedCall): Promise<number> {
  const scope = await admit(unit, call);
  const [, { provisionerUrl }] = await placementFor(unit, scope);
  const database = createDatabase({ url: provisionerUrl, gateway: unit.config.gateway });
  return readSchemaNumber((statement) => database.query(statement, { readOnly: true }), tenantIdentifier(scope.org));
}

/** @throws CallRefused, TenantNotReady, DatabaseError */
export async function readAuditLines(unit: DataUnit, call: SignedCall, after: number): Promise<Answer<"readAudit">> {
  const scope = await admit(unit, call);
  if (!Number.isSafeInteger(after) || after < 0) throw new RangeError("entries are counted from 1");
  const [, { auditWriterUrl }] = await placementFor(unit, scope);
  const database = createDatabase({ url: auditWriterUrl, gateway: unit.config.gateway });
  const [, rows] = await database.transaction(
    [
      sql`SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)`,
      // The entries of a log never change, so pages of different moments are of one log.
      sql`SELECT coalesce(string_agg(line, '' ORDER BY seq), '') AS lines, count(*)::integer AS found,
          coalesce(max(seq), 0)::text AS last
        FROM (SELECT seq, ${copyLine(auditStream.columns)} AS line FROM audit.events
          WHERE log = ${scope.org} AND seq > ${after} ORDER BY seq LIMIT ${auditPageEntriesMax}) page`,
    ],
    { readOnly: true },
  );
  const row = rows?.[0];
  if (row === undefined) throw new Error("a query of one row gave none");
  const isLast = numberOf(row, "found") < auditPageEntriesMax;
  return { lines: textOf(row, "lines"), last: isLast ? null : Number(textOf(row, "last")) };
}

/** @throws CallRefused, DatabaseError */
export async function wrappedKeyOf(unit: DataUnit, call: SignedCall, backup: unknown): Promise<Answer<"wrappedKey">> {
  const scope = await admit(unit, call);
  const id = parseId("backup", backup);
  return id === null ? null : readWrappedKey(unit.directory, scope, id);
}

async function admit(unit: DataUnit, call: SignedCall): Promise<OrgScope> {
  const expect = { audience: "data.backup-source", jobs: ["tend_backups"] } as const;
  const scope = callScope(await verifyCall(call, expect, unit.keys, unit.now()));
  if (scope === null) throw new CallRefused("wrong_org");
  return scope;
}

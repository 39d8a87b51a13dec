/** One tenant's rows as they were at one moment, read with the rights of the owner of its tables and no wider. */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { OrgId } from "../../core/ids.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { textSettings } from "../../store/copy-line.ts";
import { readCatalogue, type TenantCatalogue } from "../../store/tenant/backup-catalogue.ts";
import { askedOf } from "./asked-of.ts";
import { copyOut } from "./copy.ts";

/** Longest backup. As long as it lasts, vacuum keeps what it may still read: six hours of dead rows are bearable. */
const snapshotMsMax = 6 * 3_600_000;

export interface TenantSnapshot {
  readonly catalogue: TenantCatalogue;
  /** RFC 3339 with microseconds. */
  readonly at: string;
  /** Bytes of the tables on disk, to tell progress by. */
  readonly bytesEstimated: number;
  /** COPY's lines of one table. */
  readTable(name: string): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** The rows could not be told to be all. */
export class ScopeLost extends Error {
  override readonly name = "ScopeLost";
}

/**
 * Opens a snapshot in a transaction that can change nothing. The caller ends the connection.
 * @param client the owner's, fresh
 * @throws CatalogueRefused
 */
export async function openSnapshot(client: pg.ClientBase, org: OrgId, nowMs: number): Promise<TenantSnapshot> {
  const name = tenantIdentifier(org);
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL transaction_timeout = ${snapshotMsMax}; SET LOCAL statement_timeout = ${snapshotMsMax};
    SET LOCAL idle_in_transaction_session_timeout = '5min'; SET LOCAL lock_timeout = '10s';
    SET LOCAL ROLE sentinel_provisioner; ${textSettings}`);
  const catalogue = await readCatalogue(askedOf(client), name);
  await client.query("SELECT set_config('sentinel.scope', $1, true)", [
    await systemScope(client, name, nowMs + snapshotMsMax),
  ]);
  const { rows } = await client.query<{ at: string; bytes: string }>(
    `SELECT to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, coalesce((SELECT sum(pg_table_size(c.oid))
       FROM pg_class c WHERE c.relnamespace = '${name}'::regnamespace AND c.relkind = 'r'), 0) AS bytes`,
  );
  // A scope that ended, or never held, would show no row and no error.
  const requireScope = async (): Promise<void> => {
    const { rows: found } = await client.query<{ role: string | null }>(`SELECT ${name}.scope_role() AS role`);
    if (found[0]?.role !== "system") throw new ScopeLost("the schema does not take the scope that its own key signed");
  };
  const columnsOf = new Map(catalogue.tables.map((table) => [table.name, table.columns]));
  return {
    catalogue,
    at: rows[0]?.at ?? "",
    bytesEstimated: Number(rows[0]?.bytes ?? 0),
    async *readTable(table) {
      const columns = columnsOf.get(table);
      if (columns === undefined) throw new Error("a table that the catalogue does not name");
      await requireScope();
      yield* copyOut(client, `COPY (SELECT ${columns.join(", ")} FROM ${name}.${table}) TO STDOUT`);
      // What held after the last row held at the first.
      await requireScope();
    },
  };
}

/** Signs the scope `system` with the schema's own key, which its owner may read. */
async function systemScope(client: pg.ClientBase, name: string, expiresAtMs: number): Promise<string> {
  const { rows } = await client.query<{ inner: Buffer; outer: Buffer }>(
    `SELECT inner_pad AS inner, outer_pad AS outer FROM ${name}.scope_key`,
  );
  const [pads] = rows;
  if (pads === undefined) throw new ScopeLost("the schema has no key for its scopes");
  const claims = JSON.stringify({ u: null, r: "system", exp: Math.floor(expiresAtMs / 1000) });
  const signed = `v1.${Buffer.from(claims).toString("base64url")}`;
  // HMAC over its padded halves (RFC 2104), as the schema computes it.
  const inner = createHash("sha256").update(pads.inner).update(signed).digest();
  return `${signed}.${createHash("sha256").update(pads.outer).update(inner).digest("base64url")}`;
}

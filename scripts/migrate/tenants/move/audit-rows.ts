/**
 * An organisation's audit rows, brought to where it is now. They are in a table of the whole placement, and nothing
 * stops its writer: so after the move, when everybody who writes knows the new place. They are append-only, so what
 * is in both is the same, and what was there stays there.
 */
import type pg from "pg";
import type { OrgId } from "../../../../core/ids.ts";
import { MoveRefused } from "./move-refused.ts";

/** Rows in one statement: some KiB each. */
const batchMax = 500;

interface Table {
  readonly name: string;
  /** With types, for json_to_recordset. */
  readonly columns: Readonly<Record<string, string>>;
  /** In the order of its rows; `log` stands before it. */
  readonly key: readonly string[];
}

const tables: readonly Table[] = [
  {
    name: "audit.events",
    columns: {
      log: "text",
      seq: "bigint",
      occurred_at: "timestamptz",
      request_id: "text",
      phase: "text",
      intent_seq: "bigint",
      result: "text",
      type: "text",
      leaf_json: "text",
      leaf_hash: "text",
    },
    key: ["seq", "occurred_at"],
  },
  {
    name: "audit.personal_fields",
    columns: { log: "text", seq: "bigint", field: "text", value: "jsonb", salt: "text" },
    key: ["seq", "field"],
  },
  {
    name: "audit.sealed_fields",
    columns: { log: "text", seq: "bigint", subject: "bigint", sealed: "text" },
    key: ["seq", "subject"],
  },
];

/**
 * Idempotent, and resumable after every batch.
 * @param source and target are owner's connections
 * @returns how many events there were
 * @throws MoveRefused `rows_differ`
 */
export async function copyAuditRows(source: pg.ClientBase, target: pg.ClientBase, org: OrgId): Promise<number> {
  let events = 0;
  for (const table of tables) {
    const copied = await copyTable(source, target, org, table);
    if (table.name === "audit.events") events = copied;
  }
  return events;
}

async function copyTable(
  source: pg.ClientBase,
  target: pg.ClientBase,
  org: OrgId,
  { name, columns, key }: Table,
): Promise<number> {
  const list = Object.keys(columns).join(", ");
  const shape = Object.entries(columns)
    .map(([column, type]) => `${column} ${type}`)
    .join(", ");
  const order = key.join(", ");
  const same = Object.keys(columns)
    .map((column) => `t.${column} IS NOT DISTINCT FROM r.${column}`)
    .join(" AND ");
  let rows = 0;
  let after: string | null = null;
  for (;;) {
    // As text from one server to the other: no number and no microsecond is lost on the way.
    const read: { rows: { batch: string | null; last: string | null; count: number }[] } = await source.query(
      `SELECT json_agg(to_json(b))::text AS batch, count(*)::int AS count,
         (array_agg(json_build_array(${order}) ORDER BY ${order}))[count(*)]::text AS last
       FROM (SELECT ${list} FROM ${name} WHERE log = $1
         AND ($2::json IS NULL OR (${order}) > (SELECT (r).* FROM (SELECT ${key
           .map((column, index) => `($2::json ->> ${index})::${columns[column]} AS ${column}`)
           .join(", ")}) r))
         ORDER BY ${order} LIMIT ${batchMax}) b`,
      [org, after],
    );
    const { batch = null, last = null, count = 0 } = read.rows[0] ?? {};
    if (batch === null) return rows;
    await target.query(
      `INSERT INTO ${name} (${list}) SELECT ${list} FROM json_to_recordset($1::json) AS r (${shape}) ON CONFLICT DO NOTHING`,
      [batch],
    );
    const found: { rows: { same: number }[] } = await target.query(
      `SELECT count(*)::int AS same FROM json_to_recordset($1::json) AS r (${shape})
       JOIN ${name} t ON t.log = r.log AND ${key.map((column) => `t.${column} = r.${column}`).join(" AND ")} WHERE ${same}`,
      [batch],
    );
    if (found.rows[0]?.same !== count)
      throw new MoveRefused("rows_differ", `${name}: not every row of the old place is in the new one`);
    rows += count;
    after = last;
    if (count < batchMax) return rows;
  }
}

import type { Client } from "pg";

const columns = "log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash";

/**
 * All that a database keeps of its logs, as the source of a query: the table, and months that left it after seven
 * years and were not dropped yet (docs/adr/0031-audit-archive.md).
 */
export async function allEvents(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'audit' AND c.relkind = 'r' AND c.relname ~ '^retired_[0-9]{4}_[0-9]{2}$' ORDER BY c.relname`,
  );
  // By their pattern these names need no quoting.
  const tables = ["events", ...rows.map(({ name }) => name)];
  return `(${tables.map((name) => `SELECT ${columns} FROM audit.${name}`).join(" UNION ALL ")})`;
}

import type { Client } from "pg";
import type { KeptLeaf } from "../../../core/audit/leaf-judge.ts";
import { allEvents } from "./event-tables.ts";

/** Rows in memory at once: a few KiB each. */
const pageRows = 2000;

/** A log's leaves as Postgres keeps them, in the order of their numbers. */
export async function* databaseLeaves(client: Client, log: string): AsyncGenerator<KeptLeaf> {
  const events = await allEvents(client);
  let after: readonly [string, string] = ["-9223372036854775808", "-infinity"];
  for (;;) {
    const { rows } = await client.query<{ seq: string; at: string; leaf_json: string }>(
      `SELECT e.seq::text, e.occurred_at::text AS at, e.leaf_json FROM ${events} e
       WHERE e.log = $1 AND (e.seq, e.occurred_at) > ($2::bigint, $3::timestamptz)
       ORDER BY e.seq, e.occurred_at LIMIT ${pageRows}`,
      [log, after[0], after[1]],
    );
    for (const row of rows) yield { seq: Number(row.seq), leafJson: row.leaf_json };
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last.seq, last.at];
  }
}

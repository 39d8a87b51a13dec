import type { FacetName } from "../../core/audit/facets.ts";

/** The index of facets. */
export class FacetStore {
  readonly #sql: SqlStorage;
  /** False in a log from before there were facets: its entries have to be indexed once. */
  readonly isNew: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.isNew =
      sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'facets'").toArray().length === 0;
    sql.exec(`CREATE TABLE IF NOT EXISTS facets (
      facet TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (facet, value, seq)
    ) STRICT, WITHOUT ROWID`);
  }

  add(seq: number, facets: readonly (readonly [FacetName, string])[]): void {
    for (const [name, value] of facets) {
      this.#sql.exec(
        "INSERT INTO facets (facet, value, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        name,
        value,
        seq,
      );
    }
  }
}

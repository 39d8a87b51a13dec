import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** Thrown where the object dies. */
export class Died extends Error {}

/** Node's SQLite with the face of an object's. */
export class NodeSql {
  private readonly database = new DatabaseSync(":memory:");
  private readonly prepared = new Map<string, StatementSync>();
  private depth = 0;
  /** Every statement that was run since this was emptied. */
  readonly statements: string[] = [];
  /** How many more statements run before the object dies. */
  statementsLeft = Number.POSITIVE_INFINITY;

  exec(query: string, ...values: unknown[]) {
    if (this.statementsLeft <= 0) throw new Died();
    this.statementsLeft -= 1;
    this.statements.push(query);
    if (query.includes(";")) {
      this.database.exec(query);
      return rowsOf([]);
    }
    const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    const statement = this.prepared.get(query) ?? this.database.prepare(query);
    this.prepared.set(query, statement);
    return rowsOf(statement.all(...(bound as SQLInputValue[])));
  }

  /** As `transactionSync`: nested ones are savepoints. */
  readonly transaction = (change: () => void): void => {
    this.depth += 1;
    const name = `level${this.depth}`;
    this.database.exec(`SAVEPOINT ${name}`);
    try {
      change();
    } catch (error) {
      this.database.exec(`ROLLBACK TO ${name}`);
      throw error;
    } finally {
      this.database.exec(`RELEASE ${name}`);
      this.depth -= 1;
    }
  };

  rows(query: string): Record<string, unknown>[] {
    return this.database.prepare(query).all() as Record<string, unknown>[];
  }

  count(table: string): number {
    return Number(this.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"]);
  }
}

function rowsOf(rows: readonly object[]) {
  const plain = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? value.slice().buffer : value]),
    ),
  );
  return { toArray: () => plain, [Symbol.iterator]: () => plain[Symbol.iterator]() };
}

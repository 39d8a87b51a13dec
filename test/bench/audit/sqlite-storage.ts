import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { EntrySearch } from "../../../durable-objects/audit-log/entry-search.ts";

export type Storage = ConstructorParameters<typeof EntrySearch>[0];

type Value = SQLInputValue | ArrayBuffer;

/** The part of an object's storage that the log uses, over a file: blobs go in and come out as `ArrayBuffer`. */
export function storageOf(database: DatabaseSync): Storage {
  const statements = new Map<string, StatementSync>();
  const prepare = (query: string): StatementSync => {
    const known = statements.get(query) ?? database.prepare(query);
    statements.set(query, known);
    return known;
  };
  const exec = (query: string, ...values: Value[]) => {
    // Several statements at once are of a schema and answer nothing.
    if (/;\s*\S/.test(query)) return database.exec(query);
    const taken = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    const rows = prepare(query).all(...taken);
    for (const row of rows)
      for (const [name, value] of Object.entries(row))
        if (value instanceof Uint8Array) (row as Record<string, unknown>)[name] = value.slice().buffer;
    return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows[Symbol.iterator]() };
  };
  return { exec } as unknown as Storage;
}

import { type Statement, sql, unsafeRawSql } from "./statement.ts";

/** Names of ours; none needs quoting, and none from a file or a catalogue can be anything else. */
export const isIdentifier = (name: string): boolean => /^[a-z_][a-z0-9_]{0,62}$/.test(name);

/**
 * The name of a schema, table or column in SQL, where no parameter can stand: for what a catalogue names.
 * @throws Error for one that would have to be quoted
 */
export function identifier(name: string): Statement {
  if (!isIdentifier(name)) throw new Error("a name is not one of ours");
  return sql`${unsafeRawSql(name)}`;
}

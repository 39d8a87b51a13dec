import { identifier } from "./identifier.ts";
import { type Statement, sql } from "./statement.ts";

/**
 * What texts and bytes must be spelled by, so that they mean the same wherever and whenever they are read back.
 * For the beginning of a transaction; several statements, so over a session and not by HTTP.
 */
export const textSettings = `SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';
  SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex';
  SET LOCAL client_encoding = 'UTF8'; SET LOCAL search_path = pg_catalog, pg_temp`;

/**
 * An expression whose value is the very line that `COPY … TO STDOUT` writes for these columns, its end included: for
 * drivers that can't COPY. `format` asks each type's own output function, as COPY does, where a cast to text has
 * exceptions (`true`, `1.2.3.4/32`).
 * @param columns names as they stand in a catalogue of ours, one at least
 * @throws Error for a name that would have to be quoted
 */
export function copyLine(columns: readonly string[]): Statement {
  const fields = columns.map((column) => copyField(identifier(column)));
  return sql`${fields.reduce((line, field) => sql`${line} || E'\\t' || ${field}`)} || E'\\n'`;
}

/**
 * What COPY's text form escapes (PostgreSQL, COPY, "Text Format"): the backslash first, or it would meet its own. Null
 * is asked for by number, because IS NULL is true of a row whose every field is null.
 */
const copyField = (column: Statement): Statement => sql`CASE WHEN num_nulls(${column}) = 1 THEN '\\N' ELSE
  replace(replace(replace(replace(replace(replace(replace(format('%s', ${column}),
    E'\\\\', E'\\\\\\\\'), E'\\b', E'\\\\b'), E'\\f', E'\\\\f'), E'\\n', E'\\\\n'), E'\\r', E'\\\\r'), E'\\t', E'\\\\t'),
    E'\\v', E'\\\\v') END`;

import { type Database, sql } from "../../connect.ts";
import { numberOf } from "../columns.ts";

/**
 * The database's time, Unix milliseconds with their fraction: drawn before the provider is asked, it says which of two
 * answers is the later one. A Worker's own clock would not: there are many, and each counts whole milliseconds.
 */
export async function paymentMoment(database: Database): Promise<number> {
  const [row] = await database.query(
    sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS moment`,
    { readOnly: true },
  );
  if (row === undefined) throw new TypeError("the database tells no time");
  return numberOf(row, "moment");
}

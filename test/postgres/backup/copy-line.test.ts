import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyOut } from "../../../scripts/backup/copy.ts";
import { copyLine, textSettings } from "../../../store/copy-line.ts";
import { connect, setup } from "../support.ts";
import { awkward } from "./kit.ts";

let client: pg.Client;
beforeAll(async () => {
  client = await connect(setup.superuserUrls["first"]!);
  await client.query(`${textSettings.replaceAll("SET LOCAL", "SET")}`);
  await client.query("CREATE TYPE pg_temp.mood AS ENUM ('glad', E'tab\\there')");
  await client.query("CREATE TYPE pg_temp.pair AS (a text, b integer)");
  // Every type that a tenant's schema has, and those whose cast to text is not what COPY writes.
  await client.query(`CREATE TEMP TABLE every (
    "text" text, "bytes" bytea, flag boolean, small smallint, large bigint, exact numeric, real4 real, real8 double precision,
    at timestamptz, wall timestamp, day date, span interval, json_text json, json_binary jsonb, words text[],
    numbers numeric[], address inet, padded char(5), one "char", id uuid, mood pg_temp.mood, pair pg_temp.pair, bits bit varying)`);
});
afterAll(() => client.end());

async function both(): Promise<[string, string]> {
  const { rows: columns } = await client.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'pg_temp.every'::regclass AND attnum > 0 ORDER BY attnum",
  );
  const names = columns.map(({ name }) => name);
  const pieces: Uint8Array[] = [];
  for await (const piece of copyOut(
    client,
    `COPY (SELECT ${names.map((name) => `"${name}"`).join(", ")} FROM pg_temp.every) TO STDOUT`,
  ))
    pieces.push(piece);
  const line = copyLine(names);
  const { rows } = await client.query<{ line: string }>(`SELECT ${line.text} AS line FROM pg_temp.every`);
  return [Buffer.concat(pieces).toString("utf8"), rows.map((row) => row.line).join("")];
}

it("writes every type as COPY does, at the edges of each", async () => {
  await client.query("TRUNCATE pg_temp.every");
  await client.query("INSERT INTO pg_temp.every DEFAULT VALUES");
  await client.query(
    `INSERT INTO pg_temp.every VALUES
      ($1, '\\x00ff5c09', true, -32768, 9223372036854775807, 12345678901234567890.000100, '-0', 'NaN',
       'infinity', '-infinity', '0044-03-15 BC', '-1 day 25:00:00.000001', '{"a" : [1,\n\t2]}', $2::text::jsonb, $3,
       '{NaN,0.1000,NULL}', '10.0.0.1', 'ab', 'x', '00000000-0000-0000-0000-000000000001', E'tab\\there', ROW(NULL, NULL), B'101'),
      ('', '', false, 0, 0, 'Infinity', 1e-40, 5e-324, '2026-11-22 10:11:12.123456+05:30', '2026-11-22 10:11:12', '2026-11-22',
       '1 year', 'null', 'null', '{}', '{}', '10.0.0.0/8', '', '', NULL, 'glad', ROW('(,")', 1), B'')`,
    [awkward, JSON.stringify({ a: awkward.replaceAll("\u0001", "") }), [awkward, null, "", "NULL", "{}"]],
  );
  const [copied, written] = await both();
  expect(written).toBe(copied);
  expect(written).toContain("\\N\t\\N");
});

it("writes any text as COPY does", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 }).map((each) => each.replaceAll("\0", ""));
  const special = fc.constantFrom("\\", "\b", "\f", "\n", "\r", "\t", "\v", "\\N", "\\.", "\u0001", "\u007f");
  const mixed = fc.array(fc.oneof(text, special), { maxLength: 12 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(fc.array(mixed, { minLength: 1, maxLength: 8 }), async (texts) => {
      await client.query("TRUNCATE pg_temp.every");
      await client.query(
        `INSERT INTO pg_temp.every ("text", words, "bytes", json_text)
         SELECT t, ARRAY[t, t], convert_to(t, 'UTF8'), to_json(t) FROM unnest($1::text[]) t`,
        [texts],
      );
      const [copied, written] = await both();
      expect(written).toBe(copied);
    }),
    { numRuns: 60 },
  );
});

it("takes no name that would have to be quoted", () => {
  expect(() => copyLine(["ok", 'x" FROM pg_authid --'])).toThrow("not one of ours");
});

import { describe, expect, it } from "vitest";
import { contractions } from "../../../scripts/migrate/contracting.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";

/** Files of before the check; they are applied, and never change. */
const before = { tenant: 4, control: 8, placement: 2 } as const;

describe("the migrations of a release", () => {
  it.each(["tenant", "control", "placement"] as const)(
    "%s: only add, or say since when nobody uses what goes",
    (set) => {
      const wrong = readMigrations(set)
        .filter(({ number }) => number > before[set])
        .flatMap(({ number, name, sql }) => contractions(number, sql).map((words) => `${name} ${words}`));
      expect(wrong).toEqual([]);
    },
  );
});

describe("a file that the release before would not survive", () => {
  it.each([
    ["DROP TABLE s.devices", "drops what may be in use"],
    ["ALTER TABLE s.devices DROP COLUMN name", "drops what may be in use"],
    ["ALTER TABLE s.devices DROP name", "drops a column"],
    ["ALTER TABLE s.devices DROP IF EXISTS name", "drops a column"],
    ["alter table s.devices\n  drop column name", "drops what may be in use"],
    ["DROP POLICY p ON s.devices", "drops what may be in use"],
    ["DROP FUNCTION s.f()", "drops what may be in use"],
    ["ALTER TABLE s.devices RENAME COLUMN name TO title", "renames"],
    ["ALTER TABLE s.devices RENAME TO machines", "renames"],
    ["ALTER TABLE s.devices ALTER COLUMN name TYPE varchar(10)", "changes a column's type"],
    ["ALTER TABLE s.devices ALTER name SET DATA TYPE integer USING name::integer", "changes a column's type"],
    ["ALTER TABLE s.devices ALTER COLUMN name SET NOT NULL", "has a column refuse null"],
    [
      "ALTER TABLE s.devices ADD COLUMN owner text NOT NULL",
      "adds a column that old inserts leave out and that may not be null",
    ],
    [
      "ALTER TABLE s.devices ADD a int, ADD owner text NOT NULL",
      "adds a column that old inserts leave out and that may not be null",
    ],
    ["TRUNCATE s.devices", "empties a table"],
    ["REVOKE UPDATE ON s.devices FROM r", "takes a right away"],
    ["ALTER TABLE s.devices DISABLE ROW LEVEL SECURITY", "switches row-level security off"],
    ["DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'devices'); END $$", "drops what may be in use"],
  ])("%s: is refused", (text, words) => {
    expect(contractions(9, text)).toEqual([words]);
    expect(contractions(9, `-- contract: since 0005\n${text}`)).toEqual([]);
  });

  it("is refused when it says a version that is not before it, or says it somewhere in a line", () => {
    for (const since of ["0009", "0010", "0000"])
      expect(contractions(9, `-- contract: since ${since}\nDROP TABLE s.devices`)).toHaveLength(1);
    expect(contractions(9, "DROP TABLE s.devices; -- contract: since 0005")).toHaveLength(1);
  });
});

describe("a file that only adds", () => {
  it.each([
    "CREATE TABLE s.things (id text PRIMARY KEY, name text NOT NULL)",
    "ALTER TABLE s.devices ADD COLUMN owner text",
    "ALTER TABLE s.devices ADD COLUMN owner text NOT NULL DEFAULT 'nobody'",
    "ALTER TABLE s.devices ADD CONSTRAINT named CHECK (name IS NOT NULL) NOT VALID",
    "ALTER TABLE s.devices DROP CONSTRAINT devices_status, ADD CONSTRAINT devices_status CHECK (true)",
    "ALTER TABLE s.devices ALTER COLUMN name DROP NOT NULL",
    "DROP INDEX s.devices_name",
    "-- One day: DROP TABLE s.devices\nCREATE INDEX ON s.devices (name)",
    "CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "GRANT SELECT ON s.devices TO r",
    "REVOKE ALL ON FUNCTION s.f() FROM PUBLIC",
    "CREATE TRIGGER t BEFORE TRUNCATE ON s.devices EXECUTE FUNCTION s.f()",
  ])("%s: is taken", (text) => {
    expect(contractions(9, text)).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { sql, unsafeRawSql } from "../../../store/connect.ts";

describe("the sql tag", () => {
  it("makes every value a parameter, whatever it looks like", () => {
    const hostile = "'; DROP TABLE devices; --";
    const statement = sql`SELECT * FROM devices WHERE name = ${hostile} AND online = ${true}`;
    expect(statement.text).toBe("SELECT * FROM devices WHERE name = $1 AND online = $2");
    expect(statement.values).toEqual([hostile, true]);
  });

  it("inlines statements and numbers their parameters in order, however deep", () => {
    const inner = sql`b = ${2} OR ${sql`c = ${3}`}`;
    const statement = sql`SELECT ${1} WHERE (${inner}) AND d = ${4} AND (${inner})`;
    expect(statement.text).toBe("SELECT $1 WHERE (b = $2 OR c = $3) AND d = $4 AND (b = $5 OR c = $6)");
    expect(statement.values).toEqual([1, 2, 3, 4, 2, 3]);
  });

  it("takes an object that only looks like a statement or raw SQL for a value", () => {
    for (const lookalike of [
      { text: "1; DROP TABLE x", values: [] },
      JSON.parse('{"text":"1"}'),
      { ...unsafeRawSql("1") },
    ]) {
      const statement = sql`SELECT ${lookalike}`;
      expect(statement.text).toBe("SELECT $1");
      expect(statement.values).toEqual([lookalike]);
    }
  });

  it("refuses undefined: a forgotten value is a bug, not NULL", () => {
    expect(() => sql`SELECT ${undefined}`.text).toThrow(TypeError);
  });

  it("writes raw SQL as it stands", () => {
    expect(sql`SELECT * FROM ${unsafeRawSql("t_abc")}.devices`.text).toBe("SELECT * FROM t_abc.devices");
  });
});

import { describe, expect, it } from "vitest";
import { wafFields as coreFields } from "../../../core/tenancy/waf-condition.ts";
import { wafFields } from "../../../workers/dashboard/src/api/waf.ts";
import { operatorsOf, textOf, withChange } from "../../../workers/dashboard/src/pages/security/waf/condition-draft.ts";

describe("a condition while somebody writes it", () => {
  it("has the fields that the server has", () => {
    expect([...wafFields].toSorted()).toEqual([...coreFields].toSorted());
  });

  it("keeps what was typed when its field or comparison changes, and nothing that then has no place", () => {
    const header = { field: "header", name: "x-a", operator: "contains", value: "a", not: true } as const;
    expect(withChange(header, { field: "country" })).toEqual({
      field: "country",
      operator: "in",
      values: ["a"],
      not: true,
    });
    expect(withChange(header, { operator: "in", text: "a\nb\n\n" })).toMatchObject({ name: "x-a", values: ["a", "b"] });
    expect(withChange(header, { operator: "exists" })).toEqual({
      field: "header",
      name: "x-a",
      operator: "exists",
      not: true,
    });
    expect(withChange(header, { field: "endpoint" })).toEqual({
      field: "endpoint",
      operator: "equals",
      value: "a",
      not: true,
    });
    const anyCase = withChange(header, { caseless: true });
    expect(anyCase).toEqual({ ...header, caseless: true });
    expect(withChange(anyCase, { field: "asn" })).toEqual({ field: "asn", operator: "in", values: ["a"], not: true });
    expect(withChange(header, { field: "nothing", operator: "nothing" })).toEqual(header);
  });

  it("shows a list an entry a line", () => {
    expect(textOf({ field: "asn", operator: "in", values: ["1", "2"] })).toBe("1\n2");
    for (const field of wafFields) expect(operatorsOf(field).length).toBeGreaterThan(0);
  });
});

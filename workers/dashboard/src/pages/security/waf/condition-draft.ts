import { type WafCondition, wafFields, wafOperators } from "../../../api/waf.ts";

const named: readonly WafCondition["field"][] = ["query_value", "header", "cookie", "body"];
const listed: readonly WafCondition["field"][] = ["method", "country", "asn", "ip"];

export const takesName = (field: WafCondition["field"]): boolean => named.includes(field);

/** Whether the case of letters can matter. */
export const takesCaseless = (field: WafCondition["field"]): boolean => field !== "endpoint" && !listed.includes(field);

/** What may be asked of a field. */
export function operatorsOf(field: WafCondition["field"]): readonly WafCondition["operator"][] {
  if (listed.includes(field)) return ["in"];
  return field === "endpoint" ? ["equals", "in"] : wafOperators;
}

/** What somebody typed as its value; of a list, an entry a line. */
export const textOf = ({ value, values }: WafCondition): string => value ?? values?.join("\n") ?? "";

/** The condition with another field, operator or text, without what then has no place in it. */
export function withChange(
  before: WafCondition,
  changes: {
    field?: string | null;
    operator?: string | null;
    name?: string;
    text?: string;
    not?: boolean;
    caseless?: boolean;
  },
): WafCondition {
  const field = wafFields.find((one) => one === changes.field) ?? before.field;
  const wanted = wafOperators.find((one) => one === changes.operator) ?? before.operator;
  const possible = operatorsOf(field);
  const operator = possible.includes(wanted) ? wanted : (possible[0] ?? "equals");
  const text = changes.text ?? textOf(before);
  const not = changes.not ?? before.not === true;
  return {
    field,
    operator,
    ...(takesName(field) ? { name: changes.name ?? before.name ?? "" } : {}),
    ...(operator === "in" ? { values: text.split("\n").filter((one) => one.trim() !== "") } : {}),
    ...(operator === "in" || operator === "exists" ? {} : { value: text }),
    ...(not ? { not } : {}),
    ...((changes.caseless ?? before.caseless === true) && takesCaseless(field) ? { caseless: true } : {}),
  };
}

import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input, InputArea } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { type WafCondition, type WafRule, wafActions } from "../../../api/waf.ts";
import { operatorsOf, takesCaseless, takesName, textOf, withChange } from "./condition-draft.ts";
import { actionNames, fieldNames, operatorNames } from "./waf-words.ts";

/** One rule of the organisation's own, while somebody writes it. */
export function RuleEditor(props: {
  readonly number: number;
  readonly rule: WafRule;
  readonly onChange: (rule: WafRule) => void;
  readonly onRemove: () => void;
}) {
  const { number, rule, onChange, onRemove } = props;
  const set = (changes: Partial<WafRule>): void => onChange({ ...rule, ...changes });
  const replace = (index: number, condition: WafCondition): void =>
    set({ conditions: rule.conditions.map((one, at) => (at === index ? condition : one)) });
  return (
    <fieldset className="grid gap-3 rounded-lg p-3 ring ring-kumo-hairline">
      <legend className="px-1 text-sm font-medium">Rule {number}</legend>
      <div className="grid items-end gap-3 sm:grid-cols-[1fr_9rem_11rem_auto]">
        <Input label="Name" value={rule.name} onChange={(event) => set({ name: event.target.value })} />
        <Select
          label="What to do"
          value={rule.action}
          items={actionNames}
          onValueChange={(value) => set({ action: wafActions.find((one) => one === value) ?? rule.action })}
        />
        <Select
          label="When"
          value={rule.match}
          items={{ all: "all of these hold", any: "any of these holds" }}
          onValueChange={(value) => set({ match: value === "any" ? "any" : "all" })}
        />
        <Button type="button" onClick={onRemove} aria-label={`Remove rule ${number}`}>
          Remove
        </Button>
      </div>
      {rule.conditions.map((condition, index) => (
        <ConditionFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a condition is nothing but its place
          key={index}
          condition={condition}
          onChange={(changed) => replace(index, changed)}
          onRemove={() => set({ conditions: rule.conditions.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button
          type="button"
          size="sm"
          onClick={() => set({ conditions: [...rule.conditions, { field: "path", operator: "contains", value: "" }] })}
        >
          Add a condition
        </Button>
      </div>
    </fieldset>
  );
}

function ConditionFields(props: {
  readonly condition: WafCondition;
  readonly onChange: (condition: WafCondition) => void;
  readonly onRemove: () => void;
}) {
  const { condition, onChange, onRemove } = props;
  const operators = Object.fromEntries(operatorsOf(condition.field).map((one) => [one, operatorNames[one]]));
  return (
    <div className="flex flex-wrap items-end gap-2 border-t border-kumo-hairline pt-3">
      <Select
        label="Field"
        className="w-44"
        value={condition.field}
        items={fieldNames}
        onValueChange={(field) => onChange(withChange(condition, { field }))}
      />
      {takesName(condition.field) && (
        <Input
          label="Called"
          className="w-32"
          value={condition.name ?? ""}
          onChange={(event) => onChange(withChange(condition, { name: event.target.value }))}
        />
      )}
      <Select
        label="Comparison"
        className="w-44"
        value={condition.operator}
        items={operators}
        onValueChange={(operator) => onChange(withChange(condition, { operator }))}
      />
      {condition.operator === "in" && (
        <InputArea
          label="Values, one a line"
          rows={2}
          className="w-56 font-mono text-sm"
          value={textOf(condition)}
          onChange={(event) => onChange(withChange(condition, { text: event.target.value }))}
        />
      )}
      {condition.operator !== "in" && condition.operator !== "exists" && (
        <Input
          label="Value"
          className="w-56 font-mono text-sm"
          value={textOf(condition)}
          onChange={(event) => onChange(withChange(condition, { text: event.target.value }))}
        />
      )}
      {takesCaseless(condition.field) && (
        <Checkbox
          label="Any case"
          checked={condition.caseless === true}
          onCheckedChange={(caseless) => onChange(withChange(condition, { caseless: caseless === true }))}
        />
      )}
      <Checkbox
        label="Not"
        checked={condition.not === true}
        onCheckedChange={(not) => onChange(withChange(condition, { not: not === true }))}
      />
      <Button
        type="button"
        size="sm"
        onClick={onRemove}
        aria-label={`Remove the condition on ${fieldNames[condition.field]}`}
      >
        Remove
      </Button>
    </div>
  );
}

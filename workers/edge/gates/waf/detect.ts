import type { WafInput } from "./collect.ts";
import { readings } from "./normalise.ts";
import type { WafRule, WafTarget } from "./rule.ts";

/** A rule found its sign in one input. */
export interface Finding {
  readonly rule: WafRule;
  /** Position of the input in the collected list. */
  readonly input: number;
}

/** Rules by target, so that an input meets only those that concern it. */
export function indexRules(rules: readonly WafRule[]): ReadonlyMap<WafTarget, readonly WafRule[]> {
  const byTarget = new Map<WafTarget, WafRule[]>();
  for (const rule of rules)
    for (const target of rule.targets) {
      const list = byTarget.get(target) ?? [];
      list.push(rule);
      byTarget.set(target, list);
    }
  return byTarget;
}

/** Tries every rule on every reading of every input; each rule counts once an input. */
export function detect(inputs: readonly WafInput[], rules: ReadonlyMap<WafTarget, readonly WafRule[]>): Finding[] {
  return inputs.flatMap(({ target, text }, input) => {
    const forms = readings(text);
    return (rules.get(target) ?? [])
      .filter(({ pattern }) => forms.some((form) => pattern.test(form)))
      .map((rule) => ({ rule, input }));
  });
}

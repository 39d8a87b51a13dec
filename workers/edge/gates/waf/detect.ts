import type { WafInput } from "./collect.ts";
import { masksOf } from "./features.ts";
import { readings } from "./normalise.ts";
import { isDocument, Reading } from "./reading.ts";
import { denyScoreMin, type WafRule, type WafTarget } from "./rule.ts";
import { severitySum } from "./score.ts";

/** A rule found its sign in one input. */
export interface Finding {
  readonly rule: WafRule;
  /** Position of the input in the collected list. */
  readonly input: number;
}

/** A rule with its needs as bits. */
interface IndexedRule {
  readonly rule: WafRule;
  readonly masks: readonly number[];
}

export type RuleIndex = ReadonlyMap<WafTarget, readonly IndexedRule[]>;

/** Rules by target, so that an input meets only those that concern it. */
export function indexRules(rules: readonly WafRule[]): RuleIndex {
  const byTarget = new Map<WafTarget, IndexedRule[]>();
  for (const rule of rules) {
    const indexed = { rule, masks: masksOf(rule.needs) };
    for (const target of rule.targets) {
      const list = byTarget.get(target) ?? [];
      list.push(indexed);
      byTarget.set(target, list);
    }
  }
  return byTarget;
}

/** Tries every rule on every reading of every input; each rule counts once an input. */
export function detect(inputs: readonly WafInput[], index: RuleIndex): Finding[] {
  const found: Finding[] = [];
  for (const [input, { target, text }] of inputs.entries()) {
    const candidates = index.get(target) ?? [];
    const rules =
      (target === "body_value" || target === "file_content") && isDocument(text)
        ? detectInDocument(text, candidates)
        : detectInText(text, candidates);
    for (const rule of rules) found.push({ rule, input });
  }
  return found;
}

function detectInText(text: string, candidates: readonly IndexedRule[]): WafRule[] {
  const forms = readings(text).map((form) => new Reading(form));
  return candidates
    .filter(({ rule, masks }) => forms.some((form) => hasSign(rule, masks, form)))
    .map(({ rule }) => rule);
}

/** A line longer than this is no line of a document. */
const edgeCharactersMax = 400;

/**
 * Code is at home in a document, so most signs count for nothing inside one. What is hidden behind lines of
 * padding stands at an edge: the first and the last line are judged as if they were alone.
 */
function detectInDocument(text: string, candidates: readonly IndexedRule[]): WafRule[] {
  const lines = text.trim();
  const edges = [lines.slice(0, lines.indexOf("\n")), lines.slice(lines.lastIndexOf("\n") + 1)];
  const found = new Set<WafRule>();
  for (const edge of edges) {
    const rules = detectInText(edge.slice(0, edgeCharactersMax), candidates);
    if (severitySum(rules) >= denyScoreMin) for (const rule of rules) found.add(rule);
  }
  const inside = candidates.filter(({ rule }) => rule.ignoresDocuments !== true);
  for (const rule of detectInText(
    text,
    inside.filter(({ rule: { ignoresCode } }) => ignoresCode !== true),
  ))
    found.add(rule);
  for (const rule of detectInText(
    withoutCode(text),
    inside.filter(({ rule: { ignoresCode } }) => ignoresCode === true),
  ))
    found.add(rule);
  return [...found];
}

/** Markdown without its code: fenced blocks and inline spans become a space. */
function withoutCode(text: string): string {
  if (!text.includes("`")) return text;
  return text.replace(/(?:^|\n)[ \t>]{0,12}```[^`]{0,65536}```/g, "\n ").replace(/(?<!`)`[^`\n]{1,200}`(?!`)/g, " ");
}

function hasSign({ sign }: WafRule, masks: readonly number[], reading: Reading): boolean {
  for (const mask of masks) if ((reading.features & mask) === 0) return false;
  return sign instanceof RegExp ? sign.test(reading.text) : sign(reading);
}

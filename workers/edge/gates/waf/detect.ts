import type { WafInput } from "./collect.ts";
import { featuresOf, masksOf } from "./features.ts";
import { readings } from "./normalise.ts";
import { isDocument, Reading } from "./reading.ts";
import { denyScoreMin, type Finding, type WafRule, type WafTarget } from "./rule.ts";
import { severitySum } from "./score.ts";

/** A rule with its needs as bits. */
interface IndexedRule {
  readonly rule: WafRule;
  readonly masks: readonly number[];
}

/** Sets of features that are remembered for one target. Honest requests show some hundred; a stranger can make more. */
const rememberedMax = 1024;

/** The rules of one target, and which of them a text can concern, by its features. */
class Candidates {
  readonly #rules: readonly IndexedRule[];
  readonly #byFeatures = new Map<number, readonly WafRule[]>();

  constructor(rules: readonly IndexedRule[]) {
    this.#rules = rules;
  }

  /** Rules all of whose needs a text with these features meets. */
  of(features: number): readonly WafRule[] {
    const known = this.#byFeatures.get(features);
    if (known !== undefined) return known;
    const rules = this.#rules
      .filter(({ masks }) => masks.every((mask) => (features & mask) !== 0))
      .map(({ rule }) => rule);
    if (this.#byFeatures.size < rememberedMax) this.#byFeatures.set(features, rules);
    return rules;
  }
}

export type RuleIndex = ReadonlyMap<WafTarget, Candidates>;

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
  return new Map([...byTarget].map(([target, list]) => [target, new Candidates(list)]));
}

/** Tries every rule on every reading of every input; each rule counts once an input. */
export function detect(inputs: readonly WafInput[], index: RuleIndex): Finding[] {
  const found: Finding[] = [];
  let input = 0;
  for (const { target, text } of inputs) {
    const candidates = index.get(target);
    if (candidates !== undefined) {
      const document = (target === "body_value" || target === "file_content") && isDocument(text);
      for (const rule of document ? detectInDocument(text, candidates) : detectInText(text, candidates))
        found.push({ rule, input });
    }
    input += 1;
  }
  return found;
}

const nothing: readonly WafRule[] = [];
const anyRule = (): boolean => true;

function detectInText(
  text: string,
  candidates: Candidates,
  concerns: (rule: WafRule) => boolean = anyRule,
): readonly WafRule[] {
  const found: WafRule[] = [];
  for (const form of readings(text)) {
    const rules = candidates.of(featuresOf(form));
    if (rules.length === 0) continue;
    const reading = new Reading(form);
    for (const rule of rules) {
      if (concerns(rule) && !found.includes(rule) && hasSign(rule, reading)) found.push(rule);
    }
  }
  return found;
}

/** A line longer than this is no line of a document. */
const edgeCharactersMax = 400;

/**
 * Code is at home in a document, so most signs count for nothing inside one. What is hidden behind lines of
 * padding stands at an edge: the first and the last line are judged as if they were alone.
 */
function detectInDocument(text: string, candidates: Candidates): readonly WafRule[] {
  const lines = text.trim();
  const edges = [lines.slice(0, lines.indexOf("\n")), lines.slice(lines.lastIndexOf("\n") + 1)];
  const found = new Set<WafRule>();
  for (const edge of edges) {
    const rules = detectInText(edge.slice(0, edgeCharactersMax), candidates);
    if (severitySum(rules) >= denyScoreMin) for (const rule of rules) found.add(rule);
  }
  const inside = detectInText(text, candidates, ({ ignoresDocuments }) => ignoresDocuments !== true);
  const outsideCode = inside.some(({ ignoresCode }) => ignoresCode === true)
    ? detectInText(withoutCode(text), candidates, ({ ignoresCode }) => ignoresCode === true)
    : nothing;
  for (const rule of inside) if (rule.ignoresCode !== true || outsideCode.includes(rule)) found.add(rule);
  return [...found];
}

/** Markdown without its code: fenced blocks and inline spans become a space. */
function withoutCode(text: string): string {
  if (!text.includes("`")) return text;
  return text.replace(/(?:^|\n)[ \t>]{0,12}```[^`]{0,65536}```/g, "\n ").replace(/(?<!`)`[^`\n]{1,200}`(?!`)/g, " ");
}

function hasSign({ sign }: WafRule, reading: Reading): boolean {
  return sign instanceof RegExp ? sign.test(reading.text) : sign(reading);
}

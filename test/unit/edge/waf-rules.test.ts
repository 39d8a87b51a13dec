import { describe, expect, it } from "vitest";
import { decide } from "../../../workers/edge/gates/waf/decide.ts";
import { rules } from "../../../workers/edge/gates/waf/rules/index.ts";
import { requestWith } from "./waf-request.ts";

describe.each(rules.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
  it.each(rule.examples.blocks)("refuses %j wherever it looks", (text) => {
    const requests = rule.targets.map((target) => requestWith(target, text)).filter((request) => request !== null);
    expect(requests.length).toBeGreaterThan(0);
    for (const request of requests) {
      const decision = decide(request);
      expect(decision).toMatchObject({ allowed: false });
      expect(decision.findings).toContain(id);
    }
  });

  it.each(rule.examples.passes)("lets %j pass wherever it looks", (text) => {
    for (const target of rule.targets) {
      const request = requestWith(target, text);
      if (request !== null) expect(decide(request)).toMatchObject({ allowed: true });
    }
  });

  it("holds bounded repetitions only, so that no input makes it slow", () => {
    if (!(rule.sign instanceof RegExp)) return;
    const bare = rule.sign.source.replace(/\\./g, "_").replace(/\[[^\]]*\]/g, "_");
    expect(bare).not.toMatch(/[*+]|\{\d*,\}/);
    // A repetition of a repetition multiplies; one inner bound of 60 in 20 rounds is the most there is.
    expect(bare).not.toMatch(/\([^()]*\{\d*,?\d{3}[^()]*\)\{\d*,?\d{2}/);
    expect(rule.sign.flags).toBe("");
  });
});

it("gives every rule its own name", () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
});

it("never refuses for one weak sign", () => {
  const weak = rules.filter(({ severity }) => severity !== "critical");
  expect(weak.length).toBeGreaterThan(5);
  const decision = decide(requestWith("body_value", "call sleep(5) to wait")!);
  expect(decision).toEqual({ allowed: true, score: 3, findings: ["sqli-function-common"] });
});

it("does not add up odd sentences of different fields", () => {
  const judge = (value: unknown) => decide({ ...requestWith("body_value", "x")!, body: { kind: "json", value } });
  expect(judge({ a: "call sleep(5) to wait", b: "see document.cookie there" })).toMatchObject({
    allowed: true,
    score: 3,
  });
  expect(judge({ a: "call sleep(5) to see document.cookie there" })).toMatchObject({ allowed: false, score: 6 });
});

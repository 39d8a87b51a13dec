import { expect, it } from "vitest";
import { rules } from "../../../workers/edge/gates/waf/rules/index.ts";

/** `npx vitest run --project unit test/unit/edge/waf-catalogue.test.ts -u` writes the file again. */
it("keeps core/tenancy/waf-catalogue.ts equal to the rules", async () => {
  const rows = rules.map(
    ({ id, class: attack, severity, why }) =>
      `  ${JSON.stringify(id)}: { class: ${JSON.stringify(attack)}, severity: ${JSON.stringify(severity)}, why: ${JSON.stringify(why)} },`,
  );
  const file = [
    "// biome-ignore-all format: made from workers/edge/gates/waf/rules/; test/unit/edge/waf-catalogue.test.ts keeps it true.",
    "/** What the units behind the edge know of the firewall's rules: what they are called, what they weigh, and why. */",
    "export const wafCatalogue = {",
    ...rows,
    "} as const satisfies Record<string, { readonly class: string; readonly severity: string; readonly why: string }>;",
    "",
    "export type WafRuleId = keyof typeof wafCatalogue;",
    "",
  ].join("\n");
  await expect(file).toMatchFileSnapshot("../../../core/tenancy/waf-catalogue.ts");
});

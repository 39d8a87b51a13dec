import { expect, it } from "vitest";
import { denyScoreMin, severityScores } from "../../../workers/edge/gates/waf/rule.ts";
import { rules } from "../../../workers/edge/gates/waf/rules/index.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** `npx vitest run --project unit test/unit/edge/waf-docs.test.ts -u` writes the page again. */
it("keeps docs/waf-rules.md equal to the rules", async () => {
  const scores = Object.entries(severityScores).map(([severity, score]) => `${severity} ${score}`);
  const page = [
    "# Rules of the web application firewall",
    "",
    "Made from `workers/edge/gates/waf/rules/`; test/unit/edge/waf-docs.test.ts keeps it true.",
    "",
    `A request is refused (\`403 waf_denied\`) when the signs in one piece of its text reach ${denyScoreMin}: ${scores.join(", ")}.`,
    "Text is matched as it came, after up to three rounds of decoding, and without comments. A rule with a scanner asks",
    "what the text would do (detectors/: SQL, markup, a shell); the others are linear patterns. *Not in documents*: several",
    "lines of words in a body; their first and last lines are judged all the same. *Not in code*: in such a document, what",
    "Markdown marks as code.",
    "",
    "| rule | class | severity | looks at | why |",
    "|---|---|---|---|---|",
    ...rules.map(
      ({ id, class: attack, severity, targets, why }) =>
        `| \`${id}\` | ${attack.replaceAll("_", " ")} | ${severity} | ${targets.join(", ")} | ${cell(why)} |`,
    ),
    "",
  ].join("\n");
  await expect(page).toMatchFileSnapshot("../../../docs/waf-rules.md");
});

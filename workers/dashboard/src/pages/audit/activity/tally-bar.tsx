import { auditOutcomes } from "../../../../../../core/audit/facets.ts";
import type { Tally } from "./activity-columns.ts";
import { outcomes } from "./outcomes.ts";

/** Parts of a bar, as long as their share of `of`; something that happened once is never too thin to see. */
export function TallyParts(props: { readonly tally: Tally; readonly of: number; readonly along: "width" | "height" }) {
  const { tally, of, along } = props;
  const thin = along === "width" ? "min-w-0.5 h-full" : "min-h-0.5 w-full";
  return auditOutcomes
    .filter((outcome) => tally[outcome] > 0)
    .map((outcome) => (
      <span
        key={outcome}
        aria-hidden="true"
        className={`block ${thin} ${outcomes[outcome].colour}`}
        style={{ [along]: `${(100 * tally[outcome]) / of}%` }}
      />
    ));
}

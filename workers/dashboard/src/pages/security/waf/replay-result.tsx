import type { WafReplay } from "../../../api/waf.ts";
import { type Column, DataTable } from "../../../components/data-table.tsx";

/** Rows of the table; the rest are counted. */
const rowsMax = 30;
type Changed = WafReplay["changed"][number];

const changes: Readonly<Record<Changed["change"], string>> = {
  newly_refused: "Would be refused",
  newly_passed: "Would pass",
  undetermined: "Can’t be told",
};
const columns: readonly Column<Changed>[] = [
  { header: "Change", cell: ({ change }) => changes[change] },
  { header: "Endpoint", cell: ({ endpoint }) => <span className="font-mono text-xs">{endpoint}</span> },
  {
    header: "Signs",
    cell: ({ findings, own_rules }) => [...own_rules, ...findings.map(({ rule }) => rule)].join(", "),
  },
  {
    header: "From",
    cell: ({ country, user_agent }) => `${country} ${user_agent ?? ""}`,
    className: "hidden md:table-cell",
  },
  { header: "Requests", cell: ({ count }) => count.toLocaleString() },
];

/** What a policy would have changed. */
export function ReplayResult({ replay }: { readonly replay: WafReplay }) {
  return (
    <section aria-label="Result of the replay" className="grid gap-4">
      <p role="status">
        Of {replay.requests.toLocaleString()} requests in {replay.days} days this would refuse{" "}
        <strong>{replay.newly_refused.toLocaleString()}</strong> that pass today and let{" "}
        <strong>{replay.newly_passed.toLocaleString()}</strong> pass that are refused.
        {replay.undetermined > 0 &&
          ` Of ${replay.undetermined.toLocaleString()} it can’t be told: what a rule asks for is not kept.`}
      </p>
      {replay.changed.length > 0 && (
        <DataTable
          label="Requests that it changes"
          columns={columns}
          rows={replay.changed.slice(0, rowsMax)}
          rowKey={({ id }) => id}
        />
      )}
    </section>
  );
}

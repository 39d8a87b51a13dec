import { Select } from "@cloudflare/kumo/components/select";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type LlmUsage, llmUsage, llmUsageKey } from "../../api/llm.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { formatDollars } from "../../format/money.ts";
import { formatMonth, monthOf, monthsBefore } from "../../format/month.ts";
import { formatNumber } from "../../format/numbers.ts";
import { usePeople } from "../documents/use-people.ts";

/** A year, to compare a month with the same one before. */
const monthsShown = 13;

/** Who used how much of which model in a month; one's own, for whoever may see no more. */
export function UsageSection() {
  const { org, role } = useOrg();
  const [month, setMonth] = useState(() => monthOf(Date.now()));
  const query = useQuery({
    queryKey: llmUsageKey(org.id, month),
    queryFn: ({ signal }) => llmUsage(org.id, month, signal),
  });
  const own = role === "analyst" || role === "viewer";
  return (
    <Section
      title="Usage"
      lead={own ? "What you asked, and what it cost your organisation" : "Who asked, and what it cost"}
      actions={
        <Select
          aria-label="Month"
          value={month}
          items={Object.fromEntries(monthsBefore(Date.now(), monthsShown).map((each) => [each, formatMonth(each)]))}
          onValueChange={(next) => next !== null && setMonth(next)}
        />
      }
    >
      <QueryView query={query} label="Loading usage" rows={2}>
        {query.data !== undefined && <Used rows={query.data} month={month} />}
      </QueryView>
    </Section>
  );
}

function Used({ rows, month }: { readonly rows: readonly LlmUsage[]; readonly month: string }) {
  const { nameOf } = usePeople();
  if (rows.length === 0) return <p className="text-kumo-subtle">Nothing was asked in {formatMonth(month)}.</p>;
  const columns: readonly Column<LlmUsage>[] = [
    { header: "Who", cell: ({ user_id }) => nameOf(user_id) },
    { header: "Model", cell: ({ model }) => <span className="font-mono text-[13px] break-all">{model}</span> },
    { header: "Requests", cell: ({ requests }) => formatNumber(requests) },
    {
      header: "Tokens asked",
      cell: ({ input_tokens }) => formatNumber(input_tokens),
      className: "hidden md:table-cell",
    },
    {
      header: "Tokens answered",
      cell: ({ output_tokens }) => formatNumber(output_tokens),
      className: "hidden md:table-cell",
    },
    { header: "Cost", cell: ({ cost_micros }) => formatDollars(cost_micros) },
  ];
  const total = rows.reduce((sum, { cost_micros }) => sum + cost_micros, 0);
  return (
    <div className="grid gap-3">
      <DataTable
        label="Usage of language models"
        columns={columns}
        rows={rows}
        rowKey={({ user_id, provider_id, model }) => `${user_id} ${provider_id} ${model}`}
      />
      <p className="text-right">
        Together <span className="font-medium">{formatDollars(total)}</span>
      </p>
    </div>
  );
}

import { Badge } from "@cloudflare/kumo/components/badge";
import type { AuditEntry } from "../../api/schemas.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { unknown } from "../../format/numbers.ts";
import { actorOf, auditTypes, describe, type Outcome, outcomeOf } from "./describe.ts";
import { ProofPanel } from "./proof/proof-panel.tsx";

const variants: Readonly<Record<Outcome["tone"], "success" | "error" | "secondary">> = {
  good: "success",
  bad: "error",
  neutral: "secondary",
};

export function AuditTable(props: {
  readonly entries: readonly AuditEntry[];
  readonly nameOf: (user: string) => string;
}) {
  const { entries, nameOf } = props;
  const columns: readonly Column<AuditEntry>[] = [
    {
      header: "No.",
      cell: ({ seq }) => <span className="text-kumo-subtle tabular">{seq}</span>,
      className: "w-px max-sm:hidden",
    },
    { header: "Time", cell: ({ at }) => <Timestamp at={at} />, className: "w-px max-sm:hidden" },
    {
      header: "Kind",
      cell: ({ event }) => <span className="whitespace-nowrap">{auditTypes[event.type] ?? event.type}</span>,
      className: "max-sm:hidden",
    },
    { header: "What happened", cell: (entry) => <What entry={entry} nameOf={nameOf} /> },
    { header: "Actor", cell: (entry) => <Actor entry={entry} nameOf={nameOf} />, className: "max-md:hidden" },
    {
      header: "Outcome",
      cell: (entry) => {
        const outcome = outcomeOf(entry);
        return <Badge variant={variants[outcome.tone]}>{outcome.text}</Badge>;
      },
    },
  ];
  return <DataTable label="Audit log" columns={columns} rows={entries} rowKey={({ seq }) => String(seq)} />;
}

function Actor({ entry, nameOf }: { readonly entry: AuditEntry; readonly nameOf: (user: string) => string }) {
  const actor = actorOf(entry);
  return actor === null ? (
    <span className="text-kumo-subtle">{unknown}</span>
  ) : (
    <span title={actor} className="whitespace-nowrap">
      {nameOf(actor)}
    </span>
  );
}

function What({ entry, nameOf }: { readonly entry: AuditEntry; readonly nameOf: (user: string) => string }) {
  return (
    <details className="max-w-[60vw] sm:max-w-none">
      <summary className="cursor-pointer break-words">
        {describe(entry, nameOf)}
        <span className="block pl-4 text-xs text-kumo-subtle sm:hidden">
          <Timestamp at={entry.at} />
        </span>
      </summary>
      <dl className="mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 rounded-lg bg-kumo-recessed p-3 text-xs">
        {Object.entries(entry.event).map(([name, value]) => (
          <Field key={name} name={name} value={value === null ? unknown : String(value)} />
        ))}
        <Field
          name="phase"
          value={entry.intent_seq === null ? entry.phase : `${entry.phase} of no. ${entry.intent_seq}`}
        />
        <Field name="request_id" value={entry.request_id} />
        <Field name="leaf_hash" value={entry.leaf_hash} />
      </dl>
      <div className="mt-2">
        <ProofPanel entry={entry} />
      </div>
    </details>
  );
}

function Field({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt className="text-kumo-subtle">{name}</dt>
      <dd className="font-mono break-all">{value}</dd>
    </>
  );
}

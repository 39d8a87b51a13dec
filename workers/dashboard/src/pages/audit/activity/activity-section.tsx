import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type ActivityDays, activityDays } from "../../../../../../core/audit/activity.ts";
import { auditOutcomes } from "../../../../../../core/audit/facets.ts";
import { type Activity, readActivity } from "../../../api/audit-activity.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { Segmented } from "../../../components/segmented.tsx";
import { auditTypes } from "../describe.ts";
import { type ActivityColumn, sumOf, viewOf } from "./activity-columns.ts";
import { outcomes, said } from "./outcomes.ts";
import { TallyParts } from "./tally-bar.tsx";

const ranges = { 1: "24 hours", 7: "7 days", 30: "30 days" } as const satisfies Record<ActivityDays, string>;
const rangeIds = activityDays.map((days) => ({ id: String(days), label: ranges[days] }));

/** What the list below is to show: a span of time, or a kind. */
export interface Narrowing {
  readonly type?: string;
  readonly from?: string;
  readonly to?: string;
}

/** How much happened, when, and how it ended. Every bar is a way into the list. */
export function ActivitySection({ onNarrow }: { readonly onNarrow: (to: Narrowing) => void }) {
  const { org } = useOrg();
  const [days, setDays] = useState<ActivityDays>(7);
  const query = useQuery({
    queryKey: ["audit-activity", org.id, days],
    queryFn: ({ signal }) => readActivity(org.id, days, signal),
  });
  const choose = (id: string): void => setDays(activityDays.find((known) => String(known) === id) ?? days);
  return (
    <Section
      title="Activity"
      actions={<Segmented legend="Time" options={rangeIds} value={String(days)} onChange={choose} />}
    >
      <QueryView query={query} label="Counting what happened" rows={3}>
        {query.data !== undefined && <Charts activity={query.data} onNarrow={onNarrow} />}
      </QueryView>
    </Section>
  );
}

function Charts({ activity, onNarrow }: { readonly activity: Activity; readonly onNarrow: (to: Narrowing) => void }) {
  const view = useMemo(() => viewOf(activity), [activity]);
  if (view.highest === 0) return <p className="py-6 text-center text-kumo-subtle">Nothing happened in this time.</p>;
  const most = sumOf(view.types[0]?.tally ?? view.total);
  return (
    <div className="grid gap-5 lg:grid-cols-[3fr_2fr]">
      <figure aria-label="Events over time" className="min-w-0">
        <ol className="flex h-36 items-end gap-px border-b border-kumo-hairline">
          {view.columns.map((column) => (
            <Column key={column.atMs} column={column} of={view.highest} seconds={activity.step} onNarrow={onNarrow} />
          ))}
        </ol>
        <p aria-hidden="true" className="mt-1 flex justify-between text-xs text-kumo-subtle">
          <span>{when(view.columns[0]?.atMs ?? 0, activity.step)}</span>
          <span>{when(view.columns.at(-1)?.atMs ?? 0, activity.step)}</span>
        </p>
        <figcaption className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs text-kumo-subtle tabular">
          {auditOutcomes.map((outcome) => (
            <span key={outcome}>
              <span aria-hidden="true" className={`mr-1.5 inline-block size-2 ${outcomes[outcome].colour}`} />
              {view.total[outcome]} {outcomes[outcome].label}
            </span>
          ))}
          {!activity.complete && <span>Older entries are still being counted.</span>}
        </figcaption>
      </figure>
      <figure aria-label="Events by kind" className="min-w-0">
        <ul className="grid gap-1 text-sm">
          {view.types.map(({ type, tally }) => (
            <li key={type}>
              <button
                type="button"
                onClick={() => onNarrow({ type })}
                title={said(tally)}
                className="grid w-full cursor-pointer grid-cols-[8rem_minmax(0,1fr)_auto] items-center gap-2 rounded text-left hover:bg-kumo-recessed"
              >
                <span className="truncate">{auditTypes[type] ?? type}</span>
                <span className="flex h-3">
                  <TallyParts tally={tally} of={most} along="width" />
                </span>
                <span className="text-kumo-subtle tabular">{sumOf(tally)}</span>
                <span className="sr-only">: {said(tally)}. Show them</span>
              </button>
            </li>
          ))}
        </ul>
      </figure>
    </div>
  );
}

function Column(props: {
  readonly column: ActivityColumn;
  readonly of: number;
  readonly seconds: number;
  readonly onNarrow: (to: Narrowing) => void;
}) {
  const { column, of, seconds } = props;
  const { atMs, tally } = column;
  const label = `${when(atMs, seconds)}: ${said(tally)}`;
  const show = (): void =>
    props.onNarrow({ from: new Date(atMs).toISOString(), to: new Date(atMs + seconds * 1000 - 1).toISOString() });
  return (
    <li className="h-full min-w-0 flex-1">
      <button
        type="button"
        aria-label={label}
        title={label}
        disabled={sumOf(tally) === 0}
        onClick={show}
        className="flex h-full w-full cursor-pointer flex-col-reverse hover:bg-kumo-recessed disabled:cursor-default"
      >
        <TallyParts tally={tally} of={of} along="height" />
      </button>
    </li>
  );
}

const hourFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const when = (atMs: number, seconds: number): string => (seconds < 24 * 3600 ? hourFormat : dayFormat).format(atMs);

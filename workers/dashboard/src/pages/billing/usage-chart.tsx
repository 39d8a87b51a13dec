import { useState } from "react";
import { type Quota, quotas } from "../../../../../core/tenancy/plan.ts";
import type { UsedDay } from "../../api/billing.ts";
import { Segmented } from "../../components/segmented.tsx";
import { unknown } from "../../format/numbers.ts";
import { formatDate, formatQuota, quotaShortNames } from "./words.ts";

const heightPx = 96;
/** Of one day and the gap behind it, in units of the drawing. */
const dayWidth = 10;
const barWidth = 8;

/** Each day's figure as a bar; the same figures stand in a table for whoever doesn't see them. @param days the newest first */
export function UsageChart({ days }: { readonly days: readonly UsedDay[] }) {
  const [quota, setQuota] = useState<Quota>("devices");
  if (days.length === 0)
    return <p className="text-kumo-subtle">Nothing was measured yet. The first day stands here within an hour.</p>;
  const oldestFirst = days.toReversed();
  const most = Math.max(...days.map((day) => figureOf(day, quota) ?? 0));
  const top = Math.max(1, most);
  return (
    <figure className="grid min-w-0 gap-3">
      <figcaption className="flex flex-wrap items-center justify-between gap-3">
        <span>
          <span className="font-medium">Each day</span>
          <span className="text-kumo-subtle">, at most {formatQuota(quota, most)}</span>
        </span>
        <Segmented
          many
          legend="What is shown of each day"
          options={quotas.map((id) => ({ id, label: quotaShortNames[id] }))}
          value={quota}
          onChange={setQuota}
        />
      </figcaption>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${Math.max(30, days.length) * dayWidth} ${heightPx}`}
        preserveAspectRatio="none"
        className="h-24 w-full border-b border-kumo-line"
      >
        {oldestFirst.map((day, index) => {
          const height = ((figureOf(day, quota) ?? 0) / top) * heightPx;
          return (
            <rect
              key={day.day}
              x={index * dayWidth}
              y={heightPx - height}
              width={barWidth}
              height={height}
              className={day.measured ? "fill-(--chart-1)" : "fill-(--chart-axis)"}
            />
          );
        })}
      </svg>
      <div aria-hidden="true" className="flex justify-between gap-4 text-xs text-kumo-subtle">
        <span>{textOf(oldestFirst[0])}</span>
        <span>{days.length > 1 && textOf(days[0])}</span>
      </div>
      <details>
        <summary className="w-fit cursor-pointer text-sm text-kumo-link">The figures of each day</summary>
        <Figures days={days} />
      </details>
    </figure>
  );
}

function Figures({ days }: { readonly days: readonly UsedDay[] }) {
  return (
    // Scrolled by the keyboard too.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable (WCAG 2.1.1)
    <section tabIndex={0} aria-label="Usage of each day" className="mt-2 max-h-72 overflow-auto">
      <table className="w-full text-sm tabular">
        <thead>
          <tr className="text-left text-kumo-subtle">
            <th className="py-1 pr-4 font-normal">Day</th>
            {quotas.map((quota) => (
              <th key={quota} className="py-1 pr-4 text-right font-normal">
                {quotaShortNames[quota]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day) => (
            <tr key={day.day} className="border-t border-kumo-hairline">
              <th scope="row" className="py-1 pr-4 text-left font-normal whitespace-nowrap">
                {day.day}
                {!day.measured && <span className="text-kumo-subtle"> (as the day before)</span>}
              </th>
              {quotas.map((quota) => {
                const figure = figureOf(day, quota);
                return (
                  <td key={quota} className="py-1 pr-4 text-right whitespace-nowrap">
                    {figure === null ? unknown : formatQuota(quota, figure)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Null: nobody could say on that day. */
function figureOf(day: UsedDay, quota: Quota): number | null {
  if (quota === "messages_a_day") return day.messages;
  return quota === "llm_micros_a_month" ? day.llm_micros : day[quota];
}

const textOf = (day: UsedDay | undefined): string => (day === undefined ? "" : formatDate(Date.parse(day.day)));

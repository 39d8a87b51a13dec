import { useMemo, useState } from "react";
import { unknown } from "../format/numbers.ts";
import { formatClock } from "../format/time.ts";
import { Plot } from "./plot.tsx";
import { gapSecondsOf, type Range } from "./ranges.ts";
import { type Columns, type Reading, summarize, toColumns } from "./samples.ts";

export interface ChartLine {
  readonly metric: string;
  readonly label: string;
}

export interface MetricChartProps {
  readonly title: string;
  readonly lines: readonly [ChartLine, ...ChartLine[]];
  readonly readings: readonly Reading[];
  readonly range: Range;
  /** Unix seconds: the right edge. */
  readonly now: number;
  readonly format: (value: number) => string;
  /** For the ticks, which are rounder than readings. */
  readonly formatAxis?: (value: number) => string;
  readonly top?: number;
  /** Said beside the value: `6.1 GB of 16 GB`. */
  readonly note?: string | null;
}

/** Dots in the colours of the lines; the second dot has a different shape, for those who can't tell the colours apart. */
const swatches = ["rounded-full bg-(--chart-1)", "rounded-none bg-(--chart-2)"];

/**
 * One chart as a figure named by its title. `data-points` is how many values of its first line are
 * drawn and `data-latest` the newest of them.
 */
export function MetricChart(props: MetricChartProps) {
  const { title, lines, readings, range, format } = props;
  const [pointed, setPointed] = useState<number | null>(null);
  const metrics = lines.map(({ metric }) => metric).join(" ");
  const columns = useMemo(
    () => toColumns(readings, metrics.split(" "), gapSecondsOf(range)),
    [readings, metrics, range],
  );
  const first = summarize(columns.values[0] ?? []);
  return (
    <figure
      aria-label={title}
      data-points={first.points}
      data-latest={first.latest ?? ""}
      className="min-w-0 rounded-xl bg-kumo-base p-4 pb-3 ring ring-kumo-hairline"
    >
      <div className="mb-1 flex min-h-11 items-start justify-between gap-3">
        <h3 className="text-sm font-medium text-kumo-subtle">{title}</h3>
        <Readout {...props} columns={columns} pointed={pointed} />
      </div>
      <div className="relative">
        <Plot
          columns={columns}
          from={props.now - range.seconds}
          to={props.now}
          formatAxis={props.formatAxis ?? format}
          onPoint={setPointed}
          {...(props.top === undefined ? {} : { top: props.top })}
        />
        {first.points === 0 && (
          <p className="absolute inset-0 grid place-items-center text-sm text-kumo-subtle">No readings in this range</p>
        )}
      </div>
      <figcaption className="mt-1 text-xs text-kumo-subtle tabular">
        {lines.map((line, index) => (
          <LineSummary
            key={line.metric}
            line={line}
            column={columns.values[index] ?? []}
            format={format}
            index={index}
            only={lines.length === 1}
          />
        ))}
      </figcaption>
    </figure>
  );
}

function Readout(props: MetricChartProps & { readonly columns: Columns; readonly pointed: number | null }) {
  const { columns, pointed, lines, format } = props;
  const at = pointed === null ? undefined : columns.at[pointed];
  const shown = lines.map((line, index) => {
    const column = columns.values[index] ?? [];
    const value = at === undefined || pointed === null ? summarize(column).latest : (column[pointed] ?? null);
    return { line, value };
  });
  return (
    <div className="text-right tabular">
      <div className="flex flex-wrap items-baseline justify-end gap-x-3">
        {shown.map(({ line, value }, index) => (
          <span key={line.metric} className={lines.length === 1 ? "text-lg font-semibold" : "text-sm font-semibold"}>
            {lines.length > 1 && (
              <span aria-hidden="true" className={`mr-1.5 inline-block size-2 ${swatches[index] ?? ""}`} />
            )}
            {lines.length > 1 && <span className="mr-1 font-normal text-kumo-subtle">{line.label}</span>}
            {value === null ? unknown : format(value)}
          </span>
        ))}
      </div>
      <p className="text-xs text-kumo-subtle">{at === undefined ? (props.note ?? " ") : formatClock(at, 1)}</p>
    </div>
  );
}

function LineSummary(props: {
  readonly line: ChartLine;
  readonly column: readonly (number | null)[];
  readonly format: (value: number) => string;
  readonly index: number;
  readonly only: boolean;
}) {
  const { lowest, mean, highest } = summarize(props.column);
  if (lowest === null || mean === null || highest === null) return <span className="block">&nbsp;</span>;
  return (
    <span className="block">
      {props.only ? "" : `${props.line.label}: `}
      lowest {props.format(lowest)} · mean {props.format(mean)} · highest {props.format(highest)}
    </span>
  );
}

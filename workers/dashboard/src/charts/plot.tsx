import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatClock } from "../format/time.ts";
import { useResolvedTheme } from "../theme/theme.ts";
import { resolveColour } from "./palette.ts";
import type { Columns } from "./samples.ts";

export interface PlotProps {
  readonly columns: Columns;
  /** Unix seconds. */
  readonly from: number;
  readonly to: number;
  /** Fixed top of the scale; without it the scale follows the values. */
  readonly top?: number;
  readonly formatAxis: (value: number) => string;
  /** Index of the reading under the pointer; null when there is none. */
  readonly onPoint: (index: number | null) => void;
}

const heightPx = 148;
const lines = [
  ["--chart-1", "--chart-1-fill"],
  ["--chart-2", "--chart-2-fill"],
] as const;

/** The drawing alone: what it says is in the figure round it, so it is hidden from assistive technology. */
export function Plot(props: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // Read by uPlot's callbacks, which outlive a render.
  const latest = useRef(props);
  latest.current = props;
  const theme = useResolvedTheme();
  const lineCount = props.columns.values.length;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme needs new colours, hence a new canvas
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(optionsFor(element, lineCount, latest), alignedData(latest.current.columns), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [lineCount, theme]);

  const { columns, from, to } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the span moves with the clock, the canvas must follow
  useEffect(() => plot.current?.setData(alignedData(columns)), [columns, from, to]);

  return <div ref={host} aria-hidden="true" className="h-[148px] w-full min-w-0 overflow-hidden" />;
}

function alignedData(columns: Columns): uPlot.AlignedData {
  return [columns.at, ...columns.values];
}

function optionsFor(host: HTMLElement, lineCount: number, latest: { readonly current: PlotProps }): uPlot.Options {
  const axis = {
    stroke: resolveColour(host, "--chart-axis"),
    grid: { stroke: resolveColour(host, "--chart-grid"), width: 1 },
    ticks: { show: false },
    font: `11px ${getComputedStyle(host).fontFamily}`,
  };
  return {
    width: host.clientWidth,
    height: heightPx,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [latest.current.from, latest.current.to] },
      y: { range: (_plot, _low, high) => [0, latest.current.top ?? headroom(high)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 6,
        space: 72,
        values: (_plot, splits, _axis, _space, step) => splits.map((at) => formatClock(at, step)),
      },
      {
        ...axis,
        size: 62,
        gap: 6,
        space: 36,
        values: (_plot, splits) => splits.map((value) => latest.current.formatAxis(value)),
      },
    ],
    series: [{}, ...lines.slice(0, lineCount).map(([line, fill]) => lineOf(host, line, fill))],
    hooks: { setCursor: [(self) => latest.current.onPoint(self.cursor.idx ?? null)] },
  };
}

function lineOf(host: HTMLElement, line: (typeof lines)[number][0], fill: (typeof lines)[number][1]): uPlot.Series {
  return {
    stroke: resolveColour(host, line),
    fill: resolveColour(host, fill),
    width: 1.5,
    points: { show: false },
    spanGaps: false,
  };
}

/** A tenth of air above the highest value; something to draw when all is zero or unknown. */
function headroom(highest: number | null): number {
  return highest === null || !(highest > 0) ? 1 : highest * 1.1;
}

import { MetricChart } from "../../charts/metric-chart.tsx";
import type { Range } from "../../charts/ranges.ts";
import type { Reading } from "../../charts/samples.ts";
import { formatBytes, formatPercent } from "../../format/numbers.ts";

const percentTop = 100;
const perSecond = (bytes: number): string => `${formatBytes(bytes)}/s`;
const percent = { format: formatPercent, formatAxis: (value: number) => `${value}%`, top: percentTop };

/** The four things everybody asks first. */
export function DeviceCharts(props: {
  readonly readings: readonly Reading[];
  readonly range: Range;
  readonly now: number;
  readonly latest: Reading | null;
}) {
  const { readings, range, now } = props;
  const shared = { readings, range, now };
  const metrics = props.latest?.metrics ?? {};
  const load = metrics["load_1m"];
  return (
    <div className="grid gap-4 md:grid-cols-2">
      <MetricChart
        {...shared}
        {...percent}
        title="CPU"
        lines={[{ metric: "cpu_percent", label: "CPU" }]}
        note={load === undefined ? null : `load ${load.toFixed(2)}`}
      />
      <MetricChart
        {...shared}
        {...percent}
        title="Memory"
        lines={[{ metric: "memory_percent", label: "Memory" }]}
        note={share(metrics["memory_used_bytes"], metrics["memory_total_bytes"])}
      />
      <MetricChart
        {...shared}
        title="Network"
        lines={[
          { metric: "network_rx_bytes_per_second", label: "received" },
          { metric: "network_tx_bytes_per_second", label: "sent" },
        ]}
        format={perSecond}
      />
      <MetricChart
        {...shared}
        {...percent}
        title="Disk"
        lines={[{ metric: "disk_percent", label: "Disk" }]}
        note={share(metrics["disk_used_bytes"], metrics["disk_total_bytes"])}
      />
    </div>
  );
}

function share(used: number | undefined, total: number | undefined): string | null {
  return used === undefined || total === undefined ? null : `${formatBytes(used)} of ${formatBytes(total)}`;
}

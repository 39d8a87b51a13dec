import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { parseTelemetry } from "../../../../../core/telemetry.ts";
import { telemetryHistory } from "../../api/devices.ts";
import type { Range } from "../../charts/ranges.ts";
import { addReading, fromBuckets, mergeReadings, type Reading } from "../../charts/samples.ts";
import { useNow } from "../../components/timestamp.tsx";
import { useTopics } from "../../live/provider.tsx";
import { telemetryOf } from "../../live/topics.ts";

/** History is read again this often, so that the live part stays short. */
const historyRefreshMs = 300_000;

/** A device's readings over a range: means from the API, then what is heard as it happens. */
export function useReadings(org: string, device: string, range: Range) {
  const [live, setLive] = useState<readonly Reading[]>([]);
  const hear = useCallback((_topic: string, payload: Uint8Array) => {
    const sample = parseTelemetry(payload);
    if (sample === null) return;
    setLive((before) => addReading(before, { at: Date.parse(sample.at) / 1000, metrics: sample.metrics }));
  }, []);
  useTopics([telemetryOf(org, device)], hear);
  const query = useQuery({
    queryKey: ["telemetry", org, device, range.id],
    queryFn: ({ signal }) => {
      const toMs = Date.now();
      const span = { fromMs: toMs - range.seconds * 1000, toMs, stepSeconds: range.stepSeconds };
      return telemetryHistory(org, device, span, signal);
    },
    refetchInterval: historyRefreshMs,
    // A range that was looked at before is shown at once, and read again.
    staleTime: 0,
  });
  const buckets = query.data;
  const history = useMemo(() => fromBuckets(buckets ?? []), [buckets]);
  const clock = Math.floor(useNow() / 1000);
  // A device whose clock runs ahead would draw beyond the edge; the edge follows it.
  const now = Math.max(clock, live.at(-1)?.at ?? 0);
  const readings = useMemo(
    () => mergeReadings(history, live, now - range.seconds),
    [history, live, now, range.seconds],
  );
  return { query, readings, now, latest: live.at(-1) ?? readings.at(-1) ?? null };
}

import { useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { useParams } from "react-router";
import { deviceKey, getDevice } from "../../api/devices.ts";
import { explainDevice } from "../../api/explanations.ts";
import { problemOf } from "../../api/problem.ts";
import type { Device } from "../../api/schemas.ts";
import { type RangeId, ranges } from "../../charts/ranges.ts";
import { ExplanationSection } from "../../components/explanation/explanation-section.tsx";
import { ExportLink } from "../../components/export-link.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { PresenceBadge } from "../../components/presence-badge.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { Failure, ProgressBar } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { type Presence, parseStatus } from "../../live/presence.ts";
import { useTopics } from "../../live/provider.tsx";
import { statusOf } from "../../live/topics.ts";
import { overlay } from "../devices/device-rows.ts";
import { CommandPanel } from "./command-panel.tsx";
import { DeviceActions } from "./device-actions.tsx";
import { DeviceCharts } from "./device-charts.tsx";
import { DeviceFacts, NewestReading } from "./device-facts.tsx";
import { useReadings } from "./use-readings.ts";

export function DevicePage() {
  const { org, root } = useOrg();
  const { device: id = "" } = useParams();
  const query = useQuery({ queryKey: deviceKey(org.id, id), queryFn: ({ signal }) => getDevice(org.id, id, signal) });
  return (
    <>
      <nav aria-label="Breadcrumb" className="mb-1 text-sm text-kumo-subtle">
        <TextLink to={root}>Devices</TextLink>
      </nav>
      {query.data === undefined && query.error !== null && problemOf(query.error).status === 404 ? (
        <NoDevice />
      ) : (
        <QueryView query={query} label="Loading device" rows={8}>
          {query.data !== undefined && <DeviceView key={id} read={query.data} />}
        </QueryView>
      )}
    </>
  );
}

/** The server gives the same answer for both, so this must too. */
function NoDevice() {
  return (
    <PageHeader
      title="No such device"
      lead="It was removed, or it is in none of the groups whose devices you may see."
    />
  );
}

function DeviceView({ read }: { readonly read: Device }) {
  const { org, may } = useOrg();
  const [rangeId, setRangeId] = useState<RangeId>("15m");
  const range = ranges.find(({ id }) => id === rangeId) ?? ranges[0];
  const { query, readings, now, latest } = useReadings(org.id, read.id, range);
  const device = overlay(read, useOnePresence(org.id, read.id));
  return (
    <>
      <PageHeader
        title={device.name}
        lead={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <PresenceBadge online={device.online} />
            <span>{device.platform}</span>
            {!device.online && (
              <span>
                last seen <Timestamp at={device.last_seen_at} relative />
              </span>
            )}
          </span>
        }
        actions={
          <>
            <ExportLink source="telemetry" device={device.id} />
            {may("devices:manage") && <DeviceActions device={device} />}
          </>
        }
      />
      <section aria-labelledby="telemetry" className="relative mb-6">
        {query.isFetching && query.data === undefined && <ProgressBar label="Loading history" />}
        <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
          <h2 id="telemetry" className="text-base font-semibold">
            Telemetry
          </h2>
          <Segmented legend="Time range" options={ranges} value={rangeId} onChange={setRangeId} />
        </div>
        {query.error !== null && (
          <div className="mb-3">
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          </div>
        )}
        <DeviceCharts readings={readings} range={range} now={now} latest={latest} />
      </section>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <CommandPanel device={device} />
        <DeviceFacts device={device} />
      </div>
      <div className="mt-4">
        <ExplanationSection
          title="Explain the last hour"
          lead="What this device measured and how its commands ended, in a language model’s words"
          questions={[{ label: "Explain", explain: explainDevice(org.id, device.id) }]}
        />
      </div>
      <div className="mt-4">
        <NewestReading latest={latest} />
      </div>
    </>
  );
}

function useOnePresence(org: string, device: string): Presence | undefined {
  const [presence, setPresence] = useState<Presence>();
  const hear = useCallback((_topic: string, payload: Uint8Array) => {
    const heard = parseStatus(payload);
    if (heard !== null) setPresence(heard);
  }, []);
  useTopics([statusOf(org, device)], hear);
  return presence;
}

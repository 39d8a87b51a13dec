import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { groupsKey, listGroups } from "../../api/groups.ts";
import type { Device } from "../../api/schemas.ts";
import type { Reading } from "../../charts/samples.ts";
import { Fact } from "../../components/fact.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatMetric, metricLabel } from "../../format/metrics.ts";

/** What is known of the device. */
export function DeviceFacts({ device }: { readonly device: Device }) {
  return (
    <Card id="facts" title="Facts" columns="">
      <Fact term="Device id">
        <span className="font-mono text-[13px] break-all">{device.id}</span>
      </Fact>
      <Fact term="Platform">{device.platform}</Fact>
      <Fact term="Enrolled">
        <Timestamp at={device.enrolled_at} />
      </Fact>
      <Fact term="Last seen">{device.online ? "Now" : <Timestamp at={device.last_seen_at} relative />}</Fact>
      <Fact term="Groups">
        <GroupNames ids={device.groups} />
      </Fact>
    </Card>
  );
}

/** Every metric of the newest reading, also those this page has no chart for. */
export function NewestReading({ latest }: { readonly latest: Reading | null }) {
  if (latest === null) return null;
  const metrics = Object.entries(latest.metrics).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Card id="reading" title="Newest reading" columns="gap-x-8 sm:grid-cols-2 lg:grid-cols-3">
      <Fact term="Read at">
        <Timestamp at={new Date(latest.at * 1000).toISOString()} />
      </Fact>
      {metrics.map(([name, value]) => (
        <Fact key={name} term={metricLabel(name)}>
          <span className="tabular" title={name}>
            {formatMetric(name, value)}
          </span>
        </Fact>
      ))}
    </Card>
  );
}

function Card(props: {
  readonly id: string;
  readonly title: string;
  readonly columns: string;
  readonly children: ReactNode;
}) {
  const { id, title, columns, children } = props;
  return (
    <section aria-labelledby={id} className="min-w-0 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline">
      <h2 id={id} className="mb-2 text-base font-semibold">
        {title}
      </h2>
      <dl className={`grid ${columns}`}>{children}</dl>
    </section>
  );
}

function GroupNames({ ids }: { readonly ids: readonly string[] }) {
  const { org, may } = useOrg();
  const query = useQuery({
    queryKey: [...groupsKey(org.id), "names"],
    queryFn: ({ signal }) => listGroups(org.id, null, signal),
    enabled: ids.length > 0 && may("groups:read"),
  });
  if (ids.length === 0) return <span className="text-kumo-subtle">none</span>;
  const names = new Map(query.data?.items.map(({ id, name }) => [id, name]));
  return ids.map((id) => names.get(id) ?? id).join(", ");
}

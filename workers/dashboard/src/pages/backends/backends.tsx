import { Badge } from "@cloudflare/kumo/components/badge";
import { HardDrivesIcon } from "@phosphor-icons/react/HardDrives";
import { useQuery } from "@tanstack/react-query";
import { type Backend, backendsKey, listBackends } from "../../api/backends.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { EmptyState } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";

/** A circuit opens and closes by itself: the page follows, in milliseconds. */
const refetchMs = 10_000;

/** Servers outside that members may call through Sentinel: looked at here, registered by whoever runs the platform. */
export function BackendsPage() {
  const { org } = useOrg();
  const query = useQuery({
    queryKey: backendsKey(org.id),
    queryFn: ({ signal }) => listBackends(org.id, signal),
    refetchInterval: refetchMs,
  });
  const backends = query.data ?? [];
  return (
    <>
      <PageHeader
        title="Backends"
        lead="Servers outside that members reach through Sentinel, and whether they answer"
      />
      <QueryView query={query} label="Loading backends" rows={3}>
        {backends.length === 0 ? (
          <EmptyState icon={<HardDrivesIcon className="size-8" />} title="No backend yet">
            <p>Whoever runs this Sentinel registers them: ask there if your members are to reach a server of yours.</p>
          </EmptyState>
        ) : (
          <div className="grid gap-6">
            <DataTable label="Backends" columns={columns} rows={backends} rowKey={({ name }) => name} />
            {backends.some(({ state }) => state !== "closed") && (
              <p role="status" className="rounded-lg bg-kumo-warning-tint p-3 ring ring-kumo-warning/40">
                What failed too often is left alone for up to a minute, and calls to it are refused at once. Then one
                call at a time tries; as soon as two are answered all go through again. What is wrong there, whoever
                runs that server can say.
              </p>
            )}
            {backends.map((backend) => (
              <Section
                key={backend.name}
                title={`What may be asked of ${backend.name}`}
                lead={
                  // A long address breaks anywhere rather than widen a telephone's page.
                  <span className="[overflow-wrap:anywhere]">
                    {`Below ${window.location.origin}/api/v1/orgs/${org.slug}/backends/${backend.name}; a call is answered within ${backend.timeout_ms / 1000} s or given up.`}
                  </span>
                }
              >
                <DataTable
                  label={`Routes of ${backend.name}`}
                  columns={routeColumns}
                  rows={backend.routes}
                  rowKey={({ methods, path }) => `${methods.join()} ${path}`}
                />
              </Section>
            ))}
          </div>
        )}
      </QueryView>
    </>
  );
}

const states: Readonly<Record<Backend["state"], { label: string; variant: "success" | "error" | "warning" }>> = {
  closed: { label: "Answering", variant: "success" },
  open: { label: "Left alone", variant: "error" },
  half_open: { label: "Being tried", variant: "warning" },
};

const columns: readonly Column<Backend>[] = [
  { header: "Name", cell: ({ name }) => <span className="font-medium">{name}</span> },
  { header: "Host", cell: ({ host }) => <code className="break-all text-xs">{host}</code>, className: "max-sm:hidden" },
  { header: "State", cell: ({ state }) => <Badge variant={states[state].variant}>{states[state].label}</Badge> },
  {
    header: "Last failure",
    cell: ({ last_failure_at }) =>
      last_failure_at === null ? (
        <span className="text-kumo-subtle">None known</span>
      ) : (
        <Timestamp at={last_failure_at} relative />
      ),
  },
];

const routeColumns: readonly Column<Backend["routes"][number]>[] = [
  { header: "Methods", cell: ({ methods }) => methods.join(", ") },
  { header: "Path", cell: ({ path }) => <code className="text-xs">{path}</code> },
  { header: "Roles", cell: ({ roles }) => roles.join(", ") },
];

import { useQuery } from "@tanstack/react-query";
import { getLimitsUse, type HeavyClient, type LimitsUse, limitsUseKey, type Use } from "../../../api/limits.ts";
import { type Column, DataTable } from "../../../components/data-table.tsx";
import { Fact } from "../../../components/fact.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { formatBytes, formatNumber } from "../../../format/numbers.ts";

/** Every look asks every hub and is an entry in the audit log. */
const refreshedEveryMs = 30_000;

/** How much of the limits is used at this moment, while one looks. */
export function LimitsInUse() {
  const { org } = useOrg();
  const query = useQuery({
    queryKey: limitsUseKey(org.id),
    queryFn: ({ signal }) => getLimitsUse(org.id, signal),
    refetchInterval: refreshedEveryMs,
  });
  return (
    <QueryView query={query} label="Loading what is used" rows={2}>
      {query.data !== undefined && <InUse use={query.data} />}
    </QueryView>
  );
}

const of = ({ used, limit }: Use): string => `${formatNumber(used)} of ${formatNumber(limit)}`;
const columns: readonly Column<HeavyClient>[] = [
  {
    header: "Who",
    cell: ({ client, kind }) => (
      <span>
        {kind === "device" ? "Device" : "Person or program"} <span className="font-mono text-xs">{client}</span>
      </span>
    ),
  },
  { header: "Packets", cell: ({ packets }) => of(packets) },
  { header: "Bytes", cell: ({ bytes }) => `${formatBytes(bytes.used)} of ${formatBytes(bytes.limit)}` },
  { header: "Connections", cell: ({ connects }) => of(connects) },
];

function InUse({ use }: { readonly use: LimitsUse }) {
  return (
    <div className="grid gap-4">
      <dl>
        <Fact term="Requests in the last minute">{of(use.requests)}</Fact>
        <Fact term="Open MQTT connections">{formatNumber(use.sockets)}</Fact>
        <Fact term="MQTT packets of all">{of(use.packets)}</Fact>
      </dl>
      {use.heaviest.length === 0 ? (
        <p className="text-kumo-subtle">Nobody is near a limit.</p>
      ) : (
        <DataTable label="Nearest to a limit" columns={columns} rows={use.heaviest} rowKey={({ client }) => client} />
      )}
      <p className="text-sm text-kumo-subtle">
        Of what may come at once; it is paid back at the pace of the limit. Beyond it answers wait.
      </p>
    </div>
  );
}

import { Badge } from "@cloudflare/kumo/components/badge";
import { type Backup, backupsKey, listBackups } from "../../api/backups.ts";
import { usePages } from "../../api/pages.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes, formatNumber } from "../../format/numbers.ts";

/** Which backups there are. They are made, kept and restored by whoever runs Sentinel. */
export function BackupsSection() {
  const { org } = useOrg();
  const { query, items } = usePages(backupsKey(org.id), (cursor, signal) => listBackups(org.id, cursor, signal));
  return (
    <Section
      title="Backups"
      lead="Encrypted, each under a key of its own. They are made and restored by whoever runs this Sentinel; ask there if something has to come back."
    >
      <QueryView query={query} label="Loading backups" rows={2}>
        {items.length === 0 ? (
          <p className="text-kumo-subtle">No backup of this organisation has been made yet.</p>
        ) : (
          <DataTable label="Backups" columns={columns} rows={items} rowKey={({ id }) => id} />
        )}
        <LoadMore query={query} />
      </QueryView>
    </Section>
  );
}

const columns: readonly Column<Backup>[] = [
  { header: "As of", cell: ({ snapshot_at }) => <Timestamp at={snapshot_at} /> },
  { header: "Rows", cell: ({ rows }) => formatNumber(rows), className: "max-sm:hidden" },
  { header: "Size", cell: ({ bytes }) => formatBytes(bytes) },
  {
    header: "State",
    cell: ({ destroyed, verified_at }) => {
      if (destroyed) return <Badge variant="error">Key destroyed</Badge>;
      if (verified_at === null) return <Badge variant="secondary">Not read again yet</Badge>;
      return (
        <span className="flex flex-wrap items-center gap-2">
          <Badge variant="success">Verified</Badge>
          <span className="text-xs text-kumo-subtle">
            <Timestamp at={verified_at} relative />
          </span>
        </span>
      );
    },
  },
];

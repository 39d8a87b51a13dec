import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type Backup,
  type BackupRun,
  backupRunsKey,
  backupsKey,
  createBackup,
  listBackups,
  newestRuns,
} from "../../api/backups.ts";
import { usePages } from "../../api/pages.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes, formatNumber } from "../../format/numbers.ts";
import { BackupRunLine } from "./backup-run.tsx";

/** While one is on its way the list is asked for so often, else not again. */
const refetchMs = 3_000;

const isOpen = (run: BackupRun | undefined): boolean => run?.state === "queued" || run?.state === "running";

/** Which backups there are, how the next one comes along, and a way to ask for one. They are restored by whoever runs Sentinel. */
export function BackupsSection() {
  const { org } = useOrg();
  const client = useQueryClient();
  const runs = useQuery({
    queryKey: backupRunsKey(org.id),
    queryFn: async ({ signal }) => {
      const [newest] = await newestRuns(org.id, signal);
      // What was on its way may be there now.
      await client.invalidateQueries({ queryKey: backupsKey(org.id) });
      return newest ?? null;
    },
    refetchInterval: ({ state }) => (isOpen(state.data ?? undefined) ? refetchMs : false),
  });
  const { query, items } = usePages(backupsKey(org.id), (cursor, signal) => listBackups(org.id, cursor, signal));
  const make = useMutation({
    mutationFn: () => createBackup(org.id, crypto.randomUUID()),
    onSettled: () => client.invalidateQueries({ queryKey: backupRunsKey(org.id) }),
  });
  const newest = runs.data ?? undefined;
  return (
    <Section
      title="Backups"
      lead="Made every night and kept for as long as the plan says, each encrypted under a key of its own. Whoever runs this Sentinel restores them; ask there if something has to come back."
      actions={
        <Button loading={make.isPending} disabled={isOpen(newest)} onClick={() => make.mutate()}>
          Back up now
        </Button>
      }
    >
      <FormFailure error={make.error} />
      {newest !== undefined && <BackupRunLine run={newest} />}
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

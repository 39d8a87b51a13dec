import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { approvalRowsMax } from "../../../../../core/exports/approval.ts";
import { exportApprovalRows, exportSettingsKey, setExportApprovalRows } from "../../api/exports.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { formatNumber } from "../../format/numbers.ts";

/** From how many rows on a second administrator has to agree. */
export function ApprovalSection() {
  const { org, may } = useOrg();
  const [changing, setChanging] = useState(false);
  const query = useQuery({
    queryKey: exportSettingsKey(org.id),
    queryFn: ({ signal }) => exportApprovalRows(org.id, signal),
  });
  return (
    <Section
      title="Second administrator"
      lead="Above a limit nothing leaves on one person's word: another owner or admin agrees, within three days"
      actions={
        may("policies:manage") && query.data !== undefined ? (
          <Button size="sm" onClick={() => setChanging(true)}>
            Change limit
          </Button>
        ) : undefined
      }
    >
      <QueryView query={query} label="Loading the limit" rows={1}>
        <p>{limitText(query.data ?? 0)}</p>
      </QueryView>
      {changing && query.data !== undefined && <LimitDialog rows={query.data} onClose={() => setChanging(false)} />}
    </Section>
  );
}

const limitText = (rows: number): string =>
  rows === 0 ? "Every export waits for one" : `Exports of more than ${formatNumber(rows)} rows wait for one`;

function LimitDialog({ rows, onClose }: { readonly rows: number; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [text, setText] = useState(String(rows));
  const work = useMutation({
    mutationFn: () => setExportApprovalRows(org.id, Number(text)),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: exportSettingsKey(org.id) });
    },
  });
  return (
    <FormDialog
      open
      title="Change limit"
      submit="Save"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Input
        label="Rows that leave on one person's word"
        type="number"
        required
        min={0}
        max={approvalRowsMax}
        step={1}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </FormDialog>
  );
}

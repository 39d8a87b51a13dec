import { Button } from "@cloudflare/kumo/components/button";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { roleNames } from "../../access.ts";
import { listInvitations, withdrawInvitation } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import type { Invitation } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Timestamp } from "../../components/timestamp.tsx";

export const invitationsKey = (org: string) => ["invitations", org] as const;

/** Invitations nobody has accepted yet. */
export function Invitations() {
  const { org } = useOrg();
  const client = useQueryClient();
  const [withdrawing, setWithdrawing] = useState<Invitation | null>(null);
  const key = invitationsKey(org.id);
  const { query, items } = usePages(key, (cursor, signal) => listInvitations(org.id, cursor, signal));
  const columns: readonly Column<Invitation>[] = [
    { header: "E-mail", cell: ({ email }) => <span className="break-all">{email}</span> },
    { header: "Role", cell: ({ role }) => roleNames[role].label },
    { header: "Expires", cell: ({ expires_at }) => <Timestamp at={expires_at} relative />, className: "max-sm:hidden" },
    {
      header: "Actions",
      quiet: true,
      align: "end",
      cell: (invitation) => (
        <Button
          size="sm"
          onClick={() => setWithdrawing(invitation)}
          aria-label={`Withdraw the invitation of ${invitation.email}`}
        >
          Withdraw
        </Button>
      ),
    },
  ];
  return (
    <section aria-labelledby="invitations" className="mt-8">
      <h2 id="invitations" className="mb-2 text-base font-semibold">
        Pending invitations
      </h2>
      <QueryView query={query} label="Loading invitations" rows={2}>
        {items.length === 0 ? (
          <p className="rounded-xl bg-kumo-base px-4 py-5 text-kumo-subtle ring ring-kumo-hairline">
            Nobody is invited at the moment.
          </p>
        ) : (
          <DataTable label="Pending invitations" columns={columns} rows={items} rowKey={({ id }) => id} />
        )}
        <LoadMore query={query} />
      </QueryView>
      <ConfirmDialog
        open={withdrawing !== null}
        title="Withdraw this invitation?"
        confirm="Withdraw"
        destructive
        onClose={() => setWithdrawing(null)}
        onConfirm={async () => {
          if (withdrawing !== null) await withdrawInvitation(org.id, withdrawing.id);
          await client.invalidateQueries({ queryKey: key });
        }}
      >
        <p>The link sent to {withdrawing?.email} stops working.</p>
      </ConfirmDialog>
    </section>
  );
}

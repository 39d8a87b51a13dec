import { Button } from "@cloudflare/kumo/components/button";
import { UserPlusIcon } from "@phosphor-icons/react/UserPlus";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { meKey } from "../../api/auth.ts";
import { listMembers, removeMember } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import type { Member } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { Invitations } from "./invitations.tsx";
import { InviteDialog } from "./invite-dialog.tsx";
import { mayChange } from "./may-change.ts";
import { RoleSelect } from "./role-select.tsx";

export const membersKey = (org: string) => ["members", org] as const;

export function MembersPage() {
  const { org, user, role, may } = useOrg();
  const client = useQueryClient();
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const { query, items } = usePages(membersKey(org.id), (cursor, signal) => listMembers(org.id, cursor, signal));
  const manages = may("members:manage");
  const columns: readonly Column<Member>[] = [
    {
      header: "Name",
      cell: (member) => (
        <div className="min-w-0">
          <p className="font-medium break-words">
            {member.name}
            {member.user_id === user.id && <span className="font-normal text-kumo-subtle"> (you)</span>}
          </p>
          <p className="text-sm break-all text-kumo-subtle">{member.email}</p>
        </div>
      ),
    },
    { header: "Role", cell: (member) => <RoleSelect member={member} editable={manages && mayChange(role, member)} /> },
    { header: "Joined", cell: ({ joined_at }) => <Timestamp at={joined_at} relative />, className: "max-md:hidden" },
    ...(manages ? [removal(role, setRemoving)] : []),
  ];
  return (
    <>
      <PageHeader
        title="Members"
        lead={`People of ${org.name} and what they may do`}
        actions={
          manages ? (
            <Button variant="primary" icon={UserPlusIcon} onClick={() => setInviting(true)}>
              Invite
            </Button>
          ) : undefined
        }
      />
      <QueryView query={query} label="Loading members">
        <DataTable label="Members" columns={columns} rows={items} rowKey={({ user_id }) => user_id} />
        <LoadMore query={query} />
      </QueryView>
      {manages && <Invitations />}
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
      <ConfirmDialog
        open={removing !== null}
        title={`Remove ${removing?.name ?? "member"}?`}
        confirm="Remove member"
        destructive
        onClose={() => setRemoving(null)}
        onConfirm={async () => {
          if (removing === null) return;
          await removeMember(org.id, removing.user_id);
          await client.invalidateQueries({ queryKey: membersKey(org.id) });
          if (removing.user_id === user.id) await client.invalidateQueries({ queryKey: meKey });
        }}
      >
        {removing?.user_id === user.id ? (
          <p>This is you: you lose access to this organisation at once. Your account stays.</p>
        ) : (
          <p>They lose access to this organisation at once. Their account stays.</p>
        )}
      </ConfirmDialog>
    </>
  );
}

function removal(role: Member["role"], remove: (member: Member) => void): Column<Member> {
  return {
    header: "Actions",
    quiet: true,
    align: "end",
    cell: (member) =>
      mayChange(role, member) ? (
        <Button
          size="sm"
          variant="secondary-destructive"
          onClick={() => remove(member)}
          aria-label={`Remove ${member.name}`}
        >
          Remove
        </Button>
      ) : null,
  };
}

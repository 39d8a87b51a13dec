import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { UserPlusIcon } from "@phosphor-icons/react/UserPlus";
import { useState } from "react";
import { listMembers } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import type { Member } from "../../api/schemas.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { Invitations } from "./invitations.tsx";
import { InviteDialog } from "./invite-dialog.tsx";
import { mayChange } from "./may-change.ts";
import { type Asked, MemberDialog, MemberMenu } from "./member-actions.tsx";
import { membersKey } from "./members-key.ts";
import { RoleSelect } from "./role-select.tsx";

export function MembersPage() {
  const { org, user, role, may } = useOrg();
  const [inviting, setInviting] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
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
            {member.disabled_at !== null && (
              <Badge variant="secondary" className="ml-2">
                Disabled
              </Badge>
            )}
          </p>
          <p className="text-sm break-all text-kumo-subtle">{member.email}</p>
        </div>
      ),
    },
    { header: "Role", cell: (member) => <RoleSelect member={member} editable={manages && mayChange(role, member)} /> },
    { header: "Joined", cell: ({ joined_at }) => <Timestamp at={joined_at} relative />, className: "max-md:hidden" },
    ...(manages ? [actions((member) => mayChange(role, member), user.id, setAsked)] : []),
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
      {asked !== null && <MemberDialog asked={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function actions(mayBe: (member: Member) => boolean, own: string, ask: (asked: Asked) => void): Column<Member> {
  return {
    header: "Actions",
    quiet: true,
    align: "end",
    cell: (member) => (mayBe(member) ? <MemberMenu member={member} own={member.user_id === own} onAsk={ask} /> : null),
  };
}

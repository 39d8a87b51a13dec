import { Button } from "@cloudflare/kumo/components/button";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { StackIcon } from "@phosphor-icons/react/Stack";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createGroup, groupsKey, listGroups, removeGroup } from "../../api/groups.ts";
import { usePages } from "../../api/pages.ts";
import type { Group } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { NameDialog } from "../../components/name-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { EmptyState } from "../../components/states.tsx";
import { GroupDialog } from "./group-dialog.tsx";

/** Groups decide which devices analysts and viewers see. */
export function GroupsPage() {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const [removing, setRemoving] = useState<Group | null>(null);
  const key = groupsKey(org.id);
  const { query, items } = usePages(key, (cursor, signal) => listGroups(org.id, cursor, signal));
  const manages = may("groups:manage");
  const columns: readonly Column<Group>[] = [
    { header: "Name", cell: ({ name }) => <span className="font-medium break-words">{name}</span> },
    { header: "Devices", cell: ({ devices }) => <span className="tabular">{devices.length}</span> },
    // Who may not read the members is told of themselves alone, which is no count.
    ...(may("members:read") ? [people] : []),
    ...(manages ? [actions((group) => setOpen(group.id), setRemoving)] : []),
  ];
  const create = (
    <Button variant="primary" icon={PlusIcon} onClick={() => setCreating(true)}>
      New group
    </Button>
  );
  const opened = items.find(({ id }) => id === open);
  return (
    <>
      <PageHeader
        title="Groups"
        lead="Analysts and viewers see the devices of their groups"
        actions={manages && items.length > 0 ? create : undefined}
      />
      <QueryView query={query} label="Loading groups" rows={3}>
        {items.length === 0 ? (
          <EmptyState icon={<StackIcon className="size-8" />} title="No groups yet">
            <p>A group holds devices, and the people who may see them.</p>
            {manages && create}
          </EmptyState>
        ) : (
          <DataTable label="Groups" columns={columns} rows={items} rowKey={({ id }) => id} />
        )}
        <LoadMore query={query} />
      </QueryView>
      {creating && <CreateGroup onClose={() => setCreating(false)} />}
      {opened !== undefined && <GroupDialog group={opened} onClose={() => setOpen(null)} />}
      <ConfirmDialog
        open={removing !== null}
        title={`Remove ${removing?.name ?? "group"}?`}
        confirm="Remove group"
        destructive
        onClose={() => setRemoving(null)}
        onConfirm={async () => {
          if (removing !== null) await removeGroup(org.id, removing.id);
          await client.invalidateQueries({ queryKey: key });
        }}
      >
        <p>Its devices and people stay; people who saw these devices through it alone no longer do.</p>
      </ConfirmDialog>
    </>
  );
}

const people: Column<Group> = {
  header: "People",
  cell: ({ members }) => <span className="tabular">{members.length}</span>,
};

function actions(edit: (group: Group) => void, remove: (group: Group) => void): Column<Group> {
  return {
    header: "Actions",
    quiet: true,
    align: "end",
    cell: (group) => (
      <span className="inline-flex flex-wrap justify-end gap-2">
        <Button size="sm" onClick={() => edit(group)} aria-label={`Edit ${group.name}`}>
          Edit
        </Button>
        <Button
          size="sm"
          variant="secondary-destructive"
          onClick={() => remove(group)}
          aria-label={`Remove ${group.name}`}
        >
          Remove
        </Button>
      </span>
    ),
  };
}

function CreateGroup({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: (name: string) => createGroup(org.id, name, crypto.randomUUID()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: groupsKey(org.id) });
      onClose();
    },
  });
  return (
    <NameDialog
      title="New group"
      submit="Create group"
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}

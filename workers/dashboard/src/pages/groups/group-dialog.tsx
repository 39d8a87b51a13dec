import { Button } from "@cloudflare/kumo/components/button";
import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { deviceKey, devicesKey, listDevices } from "../../api/devices.ts";
import { groupsKey, setInGroup } from "../../api/groups.ts";
import { listMembers } from "../../api/orgs.ts";
import { type PagesQuery, usePages } from "../../api/pages.ts";
import type { Group } from "../../api/schemas.ts";
import { useOrg } from "../../components/org-context.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { FormFailure } from "../../components/states.tsx";
import { membersKey } from "../members/members-key.ts";

interface Candidate {
  readonly id: string;
  readonly name: string;
}

/** Ticks are saved one by one, as they are made. */
export function GroupDialog({ group, onClose }: { readonly group: Group; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const devices = usePages(devicesKey(org.id), (cursor, signal) => listDevices(org.id, cursor, signal));
  const members = usePages(membersKey(org.id), (cursor, signal) => listMembers(org.id, cursor, signal));
  const work = useMutation({
    mutationFn: (change: { kind: "devices" | "members"; id: string; present: boolean }) =>
      setInGroup(org.id, group.id, change.kind, change.id, change.present),
    onSettled: async (_done, _error, change) => {
      await client.invalidateQueries({ queryKey: groupsKey(org.id) });
      if (change.kind === "devices") await client.invalidateQueries({ queryKey: deviceKey(org.id, change.id) });
    },
  });
  const people = members.items.map(({ user_id, name, email }) => ({
    id: user_id,
    name: email === null ? name : `${name} (${email})`,
  }));
  const shared = { busy: work.isPending, onChange: work.mutate };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog size="lg" className="grid max-h-[85dvh] gap-4 overflow-y-auto p-6">
        <Dialog.Title className="text-lg font-semibold">{group.name}</Dialog.Title>
        <FormFailure error={work.error} />
        <Choices
          {...shared}
          legend="Devices"
          kind="devices"
          query={devices.query}
          all={devices.items}
          chosen={group.devices}
        />
        <Choices {...shared} legend="People" kind="members" query={members.query} all={people} chosen={group.members} />
        <div className="flex justify-end">
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  );
}

function Choices(props: {
  readonly legend: string;
  readonly kind: "devices" | "members";
  readonly query: PagesQuery;
  readonly all: readonly Candidate[];
  readonly chosen: readonly string[];
  readonly busy: boolean;
  readonly onChange: (change: { kind: "devices" | "members"; id: string; present: boolean }) => void;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 font-medium">{props.legend}</legend>
      <QueryView query={props.query} label={`Loading ${props.legend.toLowerCase()}`} rows={2}>
        {props.all.length === 0 && <p className="text-kumo-subtle">None yet.</p>}
        <div className="grid gap-1.5">
          {props.all.map(({ id, name }) => (
            <Checkbox
              key={id}
              label={name}
              disabled={props.busy}
              checked={props.chosen.includes(id)}
              onCheckedChange={(present) => props.onChange({ kind: props.kind, id, present })}
            />
          ))}
        </div>
        <LoadMore query={props.query} />
      </QueryView>
    </fieldset>
  );
}

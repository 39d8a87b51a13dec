import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { roleNames } from "../../access.ts";
import { addShare, type Document, type GranteeKind, grantedRoles, sharesKey } from "../../api/documents.ts";
import { groupsKey, listGroups } from "../../api/groups.ts";
import { usePages } from "../../api/pages.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { dayOf, endOfDay } from "../../format/day.ts";
import { usePeople } from "../documents/use-people.ts";

const kinds = [
  { id: "user", label: "A person" },
  { id: "group", label: "A group" },
  { id: "role", label: "A role" },
] as const satisfies readonly { id: GranteeKind; label: string }[];

/** Asks with whom, and until when. Whoever gets it may read it, and nothing else. */
export function ShareDialog({ document, onClose }: { readonly document: Document; readonly onClose: () => void }) {
  const { org, may } = useOrg();
  const client = useQueryClient();
  // Whoever may not see the members can't choose one of them.
  const offered = kinds.filter(({ id }) => id !== "user" || may("members:read"));
  const [kind, setKind] = useState<GranteeKind>(offered[0]?.id ?? "group");
  const [grantee, setGrantee] = useState("");
  const [lastDay, setLastDay] = useState("");
  const choices = useChoices(kind);
  const work = useMutation({
    mutationFn: () => addShare(org.id, document.id, { kind, grantee, until: endOfDay(lastDay) }),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: sharesKey(org.id, document.id) });
    },
  });
  return (
    <FormDialog
      open
      title={`Share ${document.name}`}
      description="They may read it and download it. They can’t change it, nor share it further."
      submit="Share"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => grantee !== "" && work.mutate()}
      onClose={onClose}
    >
      <Segmented
        legend="Share with"
        value={kind}
        options={offered}
        onChange={(next) => {
          setKind(next);
          setGrantee("");
        }}
      />
      <Select
        label={kinds.find(({ id }) => id === kind)?.label ?? ""}
        value={grantee === "" ? null : grantee}
        placeholder={choices.size === 0 ? "There is nobody to choose" : "Choose"}
        renderValue={(value) => choices.get(String(value)) ?? ""}
        onValueChange={(next) => setGrantee(next === null ? "" : String(next))}
      >
        {[...choices].map(([id, name]) => (
          <Select.Option key={id} value={id}>
            {name}
          </Select.Option>
        ))}
      </Select>
      <Input
        type="date"
        label="Until the end of (optional)"
        min={dayOf(new Date().toISOString())}
        value={lastDay}
        onChange={(event) => setLastDay(event.target.value)}
      />
    </FormDialog>
  );
}

function useChoices(kind: GranteeKind): ReadonlyMap<string, string> {
  const { org, user } = useOrg();
  const { members } = usePeople();
  const groups = usePages(groupsKey(org.id), (cursor, signal) => listGroups(org.id, cursor, signal), {
    enabled: kind === "group",
  });
  if (kind === "role") return new Map(grantedRoles.map((role) => [role, roleNames[role].label]));
  if (kind === "group") return new Map(groups.items.map(({ id, name }) => [id, name]));
  const others = members.filter(({ user_id }) => user_id !== user.id);
  return new Map(others.map(({ user_id, name, email }) => [user_id, email === null ? name : `${name} (${email})`]));
}

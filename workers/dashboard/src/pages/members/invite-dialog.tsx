import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Role } from "../../../../../core/tenancy/roles.ts";
import { roleNames } from "../../access.ts";
import { invite } from "../../api/orgs.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { invitationsKey } from "./invitations.tsx";
import { grantable } from "./may-change.ts";

export function InviteDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { org, role: own } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const close = (): void => {
    work.reset();
    setEmail("");
    onClose();
  };
  const work = useMutation({
    mutationFn: () => invite(org.id, { email: email.trim(), role }, crypto.randomUUID()),
    onSuccess: async () => {
      toasts.add({ title: "Invitation sent", description: email.trim(), variant: "success" });
      close();
      await client.invalidateQueries({ queryKey: invitationsKey(org.id) });
    },
  });
  return (
    <FormDialog
      open={open}
      title="Invite someone"
      description="They get a link by e-mail and join once they have accepted it."
      submit="Send invitation"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={close}
    >
      <Input label="E-mail" type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
      <Select
        label="Role"
        value={role}
        renderValue={(value) => roleNames[value].label}
        onValueChange={(next) => next !== null && setRole(next)}
        description={roleNames[role].meaning}
      >
        {grantable(own).map((each) => (
          <Select.Option key={each} value={each}>
            {roleNames[each].label}
          </Select.Option>
        ))}
      </Select>
    </FormDialog>
  );
}

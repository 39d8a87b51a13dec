import { Select } from "@cloudflare/kumo/components/select";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { Role } from "../../../../../core/tenancy/roles.ts";
import { roleNames } from "../../access.ts";
import { meKey } from "../../api/auth.ts";
import { changeMember } from "../../api/orgs.ts";
import { problemOf, wasDeclined } from "../../api/problem.ts";
import type { Member } from "../../api/schemas.ts";
import { useOrg } from "../../components/org-context.tsx";
import { grantable } from "./may-change.ts";
import { membersKey } from "./members-key.ts";

/** A member's role, and the way to another one for those who may. */
export function RoleSelect({ member, editable }: { readonly member: Member; readonly editable: boolean }) {
  const { org, user, role } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const work = useMutation({
    mutationFn: (next: Role) => changeMember(org.id, member.user_id, next),
    onError: (error) => {
      if (wasDeclined(error)) return;
      const { title, detail } = problemOf(error);
      toasts.add({ title, description: detail ?? undefined, variant: "error" });
    },
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: membersKey(org.id) });
      if (member.user_id === user.id) await client.invalidateQueries({ queryKey: meKey });
    },
  });
  if (!editable) return roleNames[member.role].label;
  const shown = work.isPending ? work.variables : member.role;
  return (
    <Select
      aria-label={`Role of ${member.name}`}
      size="sm"
      value={shown}
      disabled={work.isPending}
      renderValue={(value) => roleNames[value].label}
      onValueChange={(next) => next !== null && next !== member.role && work.mutate(next)}
    >
      {grantable(role).map((each) => (
        <Select.Option key={each} value={each}>
          {roleNames[each].label}
        </Select.Option>
      ))}
    </Select>
  );
}

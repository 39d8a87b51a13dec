import { listMembers } from "../../api/orgs.ts";
import { usePages } from "../../api/pages.ts";
import type { Member } from "../../api/schemas.ts";
import { useOrg } from "../../components/org-context.tsx";
import { membersKey } from "../members/members-key.ts";

/** The members, for those who may see them, and what to call a person. */
export function usePeople(): { readonly members: readonly Member[]; readonly nameOf: (user: string) => string } {
  const { org, user, may } = useOrg();
  const { items } = usePages(membersKey(org.id), (cursor, signal) => listMembers(org.id, cursor, signal), {
    enabled: may("members:read"),
  });
  const names = new Map(items.map(({ user_id, name }) => [user_id, name]));
  return { members: items, nameOf: (id) => (id === user.id ? "You" : (names.get(id) ?? "Somebody else")) };
}

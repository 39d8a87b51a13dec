import { Button } from "@cloudflare/kumo/components/button";
import { DropdownMenu } from "@cloudflare/kumo/components/dropdown";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { DotsThreeIcon } from "@phosphor-icons/react/DotsThree";
import { ProhibitIcon } from "@phosphor-icons/react/Prohibit";
import { SignOutIcon } from "@phosphor-icons/react/SignOut";
import { TrashIcon } from "@phosphor-icons/react/Trash";
import { useQueryClient } from "@tanstack/react-query";
import { meKey } from "../../api/auth.ts";
import { disableMember, endMemberSessions, removeMember } from "../../api/orgs.ts";
import type { Member } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { membersKey } from "./members-key.ts";

export type MemberAction = "disable" | "enable" | "end_sessions" | "remove";
/** What somebody chose of a member's menu and has not confirmed yet. */
export interface Asked {
  readonly action: MemberAction;
  readonly member: Member;
}

export function MemberMenu(props: {
  readonly member: Member;
  /** Whether it is the person at the screen, who would shut themselves out. */
  readonly own: boolean;
  readonly onAsk: (asked: Asked) => void;
}) {
  const { member, own, onAsk } = props;
  const ask = (action: MemberAction): void => onAsk({ action, member });
  return (
    <DropdownMenu>
      <DropdownMenu.Trigger
        render={<Button size="sm" shape="square" icon={DotsThreeIcon} aria-label={`Manage ${member.name}`} />}
      />
      <DropdownMenu.Content align="end">
        {!own && (
          <>
            <DropdownMenu.Item icon={SignOutIcon} onClick={() => ask("end_sessions")}>
              Sign out everywhere
            </DropdownMenu.Item>
            <DropdownMenu.Item
              icon={ProhibitIcon}
              onClick={() => ask(member.disabled_at === null ? "disable" : "enable")}
            >
              {member.disabled_at === null ? "Disable" : "Enable"}
            </DropdownMenu.Item>
            <DropdownMenu.Separator />
          </>
        )}
        <DropdownMenu.Item icon={TrashIcon} variant="danger" onClick={() => ask("remove")}>
          Remove
        </DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}

interface Words {
  readonly title: (name: string) => string;
  readonly confirm: string;
  readonly text: string;
  readonly done: string;
  readonly destructive: boolean;
}
const words: Readonly<Record<MemberAction, Words>> = {
  disable: {
    title: (name) => `Disable ${name}?`,
    confirm: "Disable member",
    text: "They are signed out and see this organisation no more, until somebody enables them again. Their role and groups stay.",
    done: "Member disabled",
    destructive: true,
  },
  enable: {
    title: (name) => `Enable ${name}?`,
    confirm: "Enable member",
    text: "They get their role and groups of before, at their next sign-in.",
    done: "Member enabled",
    destructive: false,
  },
  end_sessions: {
    title: (name) => `Sign ${name} out everywhere?`,
    confirm: "Sign out",
    text: "Every browser and program that is signed in as them has to sign in again, in other organisations too.",
    done: "Signed out everywhere",
    destructive: true,
  },
  remove: {
    title: (name) => `Remove ${name}?`,
    confirm: "Remove member",
    text: "They lose access to this organisation at once. Their account stays.",
    done: "Member removed",
    destructive: true,
  },
};

export function MemberDialog({ asked, onClose }: { readonly asked: Asked; readonly onClose: () => void }) {
  const { org, user } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const { action, member } = asked;
  const { title, confirm, text, done, destructive } = words[action];
  const own = member.user_id === user.id;
  return (
    <ConfirmDialog
      open
      title={title(member.name)}
      confirm={confirm}
      destructive={destructive}
      onClose={onClose}
      onConfirm={async () => {
        await act(org.id, asked);
        toasts.add({ title: done, description: member.name, variant: "success" });
        await client.invalidateQueries({ queryKey: membersKey(org.id) });
        if (own) await client.invalidateQueries({ queryKey: meKey });
      }}
    >
      <p>{own ? "This is you: you lose access to this organisation at once. Your account stays." : text}</p>
    </ConfirmDialog>
  );
}

function act(org: string, { action, member }: Asked): Promise<void> {
  switch (action) {
    case "disable":
    case "enable":
      return disableMember(org, member.user_id, action === "disable");
    case "end_sessions":
      return endMemberSessions(org, member.user_id);
    case "remove":
      return removeMember(org, member.user_id);
  }
}

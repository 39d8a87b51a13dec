import { Button } from "@cloudflare/kumo/components/button";
import { DropdownMenu } from "@cloudflare/kumo/components/dropdown";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { ShieldCheckIcon } from "@phosphor-icons/react/ShieldCheck";
import { SignOutIcon } from "@phosphor-icons/react/SignOut";
import { UserCircleIcon } from "@phosphor-icons/react/UserCircle";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { meKey, signOut } from "../api/auth.ts";
import { problemOf } from "../api/problem.ts";
import type { Person } from "../api/schemas.ts";
import { uploads } from "../uploads/use-uploads.ts";

export function AccountMenu({ user }: { readonly user: Person }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const toasts = useKumoToastManager();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      await navigate("/sign-in");
      // What was read for this person must not be there for the next one at this screen.
      client.clear();
      uploads.clear();
      client.setQueryData(meKey, null);
    },
    onError: (error) =>
      toasts.add({ title: "Could not sign out", description: problemOf(error).title, variant: "error" }),
  });
  return (
    <DropdownMenu>
      <DropdownMenu.Trigger
        render={
          <Button
            variant="ghost"
            icon={UserCircleIcon}
            className="min-w-0 justify-start"
            aria-label={`Account of ${user.name}`}
          >
            <span className="truncate">{user.name}</span>
          </Button>
        }
      />
      <DropdownMenu.Content align="start">
        <DropdownMenu.Group>
          <DropdownMenu.Label>{user.email}</DropdownMenu.Label>
          <DropdownMenu.Separator />
          <DropdownMenu.Item icon={ShieldCheckIcon} onClick={() => void navigate("/account/security")}>
            Account security
          </DropdownMenu.Item>
          <DropdownMenu.Item icon={SignOutIcon} onClick={() => leave.mutate()}>
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Group>
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { ListIcon } from "@phosphor-icons/react/List";
import { useState } from "react";
import type { Me, Membership } from "../api/schemas.ts";
import { AccountMenu } from "./account-menu.tsx";
import { Navigation } from "./navigation.tsx";
import { OrgMenu } from "./org-menu.tsx";
import { ThemeMenu } from "./theme-menu.tsx";

/** What stands in the side column on a wide screen, behind one button on a narrow one. */
export function MobileMenu({ org, me }: { readonly org: Membership; readonly me: Me }) {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger render={<Button shape="square" icon={ListIcon} aria-label="Menu" />} />
      <Dialog className="grid gap-4 p-4">
        <Dialog.Title className="font-semibold">Menu</Dialog.Title>
        <OrgMenu org={org} orgs={me.orgs} />
        <Navigation onNavigate={() => setOpen(false)} />
        <div className="flex items-center justify-between gap-2 border-t border-kumo-hairline pt-3">
          <AccountMenu user={me.user} />
          <ThemeMenu />
        </div>
      </Dialog>
    </Dialog.Root>
  );
}

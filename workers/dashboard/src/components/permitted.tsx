import { LinkButton } from "@cloudflare/kumo/components/button";
import type { ComponentType } from "react";
import type { Permission } from "../../../../core/tenancy/roles.ts";
import { roleNames } from "../access.ts";
import { useOrg } from "./org-context.tsx";
import { PageHeader } from "./page-header.tsx";

/**
 * A page for those whose role has a use for it; anyone else who comes by its address is told so, rather
 * than shown forms that the server then refuses.
 */
export function permitted(needs: Permission, Page: ComponentType): ComponentType {
  return function Permitted() {
    const { may, role, root } = useOrg();
    if (may(needs)) return <Page />;
    return (
      <div className="mx-auto grid w-full max-w-2xl justify-items-start gap-2 p-6 pt-16">
        <PageHeader
          title="Not open to your role"
          lead={`You are here as ${roleNames[role].label}. An owner or admin can change that.`}
        />
        <LinkButton href={root} variant="secondary">
          Back to devices
        </LinkButton>
      </div>
    );
  };
}

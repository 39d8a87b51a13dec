import { Button } from "@cloudflare/kumo/components/button";
import { IdentificationBadgeIcon } from "@phosphor-icons/react/IdentificationBadge";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { identityProvidersKey, listIdentityProviders } from "../../api/identity-providers.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { EmptyState } from "../../components/states.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { AddProviderDialog } from "./add-provider-dialog.tsx";
import { ProviderCard, type ProviderTask } from "./provider-card.tsx";
import { ProviderTaskDialog } from "./provider-tasks.tsx";

/** Who proves this organisation's people to Sentinel besides Sentinel itself. */
export function IdentityProvidersPage() {
  const { org, root } = useOrg();
  const [adding, setAdding] = useState(false);
  const [task, setTask] = useState<ProviderTask | null>(null);
  const query = useQuery({
    queryKey: identityProvidersKey(org.id),
    queryFn: ({ signal }) => listIdentityProviders(org.id, signal),
  });
  const items = query.data ?? [];
  const add = (
    <Button variant="primary" icon={PlusIcon} onClick={() => setAdding(true)}>
      Add provider
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Identity providers"
        lead={
          <>
            People sign in with these at{" "}
            <TextLink to={`${root}/sign-in`} className="underline">
              {root}/sign-in
            </TextLink>
            , for {org.name} alone
          </>
        }
        actions={items.length > 0 ? add : undefined}
      />
      <QueryView query={query} label="Loading identity providers" rows={3}>
        {items.length === 0 ? (
          <EmptyState icon={<IdentificationBadgeIcon className="size-8" />} title="No identity provider yet">
            <p>
              Let your people sign in with the accounts they have: Google, Microsoft, or any OpenID Connect provider.
            </p>
            {add}
          </EmptyState>
        ) : (
          <div className="grid gap-4">
            {items.map((provider) => (
              <ProviderCard key={provider.id} provider={provider} onTask={setTask} />
            ))}
          </div>
        )}
      </QueryView>
      {adding && <AddProviderDialog onClose={() => setAdding(false)} />}
      {task !== null && <ProviderTaskDialog task={task} onClose={() => setTask(null)} />}
    </>
  );
}

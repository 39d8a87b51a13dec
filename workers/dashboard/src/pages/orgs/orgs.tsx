import { Button } from "@cloudflare/kumo/components/button";
import { BuildingsIcon } from "@phosphor-icons/react/Buildings";
import { CaretRightIcon } from "@phosphor-icons/react/CaretRight";
import { useState } from "react";
import { Link } from "react-router";
import { roleNames } from "../../access.ts";
import type { Me } from "../../api/schemas.ts";
import { AccountMenu } from "../../components/account-menu.tsx";
import { Brand } from "../../components/brand.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { SessionGate } from "../../components/session-gate.tsx";
import { EmptyState } from "../../components/states.tsx";
import { ThemeMenu } from "../../components/theme-menu.tsx";
import { CreateOrgDialog } from "./create-org.tsx";

export function OrgsPage() {
  return <SessionGate>{(me) => <Organisations me={me} />}</SessionGate>;
}

function Organisations({ me }: { readonly me: Me }) {
  const [creating, setCreating] = useState(false);
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      Create organisation
    </Button>
  );
  return (
    <div className="min-h-dvh">
      <header className="flex items-center justify-between gap-3 border-b border-kumo-hairline bg-kumo-base px-4 py-2 sm:px-6">
        <Brand />
        <div className="flex min-w-0 items-center gap-1">
          <AccountMenu user={me.user} />
          <ThemeMenu />
        </div>
      </header>
      <main className="mx-auto w-full max-w-2xl px-4 py-10">
        <PageHeader
          title="Organisations"
          lead={`Signed in as ${me.user.email}`}
          actions={me.orgs.length > 0 ? create : undefined}
        />
        {me.orgs.length === 0 ? (
          <EmptyState icon={<BuildingsIcon className="size-8" />} title="You belong to no organisation yet">
            <p>Create one to enrol devices, or open an invitation you were sent.</p>
            {create}
          </EmptyState>
        ) : (
          <ul
            aria-label="Organisations"
            className="divide-y divide-kumo-hairline overflow-hidden rounded-xl bg-kumo-base ring ring-kumo-hairline"
          >
            {me.orgs.map((org) => (
              <li key={org.id}>
                <Link to={`/o/${org.slug}`} className="flex items-center gap-3 px-4 py-3 hover:bg-kumo-tint">
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-medium">{org.name}</span>
                    <span className="block truncate text-sm text-kumo-subtle">
                      {org.slug} · {roleNames[org.role].label}
                    </span>
                  </span>
                  <CaretRightIcon aria-hidden="true" className="text-kumo-subtle" />
                </Link>
              </li>
            ))}
          </ul>
        )}
      </main>
      <CreateOrgDialog open={creating} onClose={() => setCreating(false)} />
    </div>
  );
}

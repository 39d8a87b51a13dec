import { Button } from "@cloudflare/kumo/components/button";
import { BuildingsIcon } from "@phosphor-icons/react/Buildings";
import { CaretRightIcon } from "@phosphor-icons/react/CaretRight";
import { useState } from "react";
import { Link } from "react-router";
import { roleNames } from "../../access.ts";
import type { Me } from "../../api/schemas.ts";
import { PageHeader } from "../../components/page-header.tsx";
import { PlainFrame } from "../../components/plain-frame.tsx";
import { SessionGate } from "../../components/session-gate.tsx";
import { EmptyState } from "../../components/states.tsx";
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
    <PlainFrame user={me.user}>
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
      <CreateOrgDialog open={creating} onClose={() => setCreating(false)} />
    </PlainFrame>
  );
}

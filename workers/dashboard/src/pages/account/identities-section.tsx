import { Button } from "@cloudflare/kumo/components/button";
import { IdentificationBadgeIcon } from "@phosphor-icons/react/IdentificationBadge";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Identity, identitiesKey, listIdentities, unlinkIdentity } from "../../api/account.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";

/** Accounts elsewhere that sign this person in here. */
export function IdentitiesSection() {
  const client = useQueryClient();
  const [removing, setRemoving] = useState<Identity | null>(null);
  const query = useQuery({ queryKey: identitiesKey, queryFn: ({ signal }) => listIdentities(signal) });
  const items = query.data ?? [];
  return (
    <Section title="Linked accounts" lead="Accounts at other services that sign you in here.">
      <QueryView query={query} label="Loading linked accounts" rows={1}>
        {items.length === 0 ? (
          <p className="text-kumo-subtle">None. Sign in with one of them once, and you are asked whether to link it.</p>
        ) : (
          <ul aria-label="Linked accounts">
            {items.map((identity) => (
              <Row
                key={identity.provider_id}
                icon={<IdentificationBadgeIcon className="size-5" />}
                actions={
                  <Button
                    size="sm"
                    variant="secondary-destructive"
                    onClick={() => setRemoving(identity)}
                    aria-label={`Unlink ${identity.provider_name}`}
                  >
                    Unlink
                  </Button>
                }
              >
                <p className="font-medium break-words">{identity.provider_name}</p>
                <p className="text-sm break-words text-kumo-subtle">
                  {identity.email !== null && `${identity.email} · `}linked{" "}
                  <Timestamp at={identity.linked_at} relative />
                </p>
              </Row>
            ))}
          </ul>
        )}
      </QueryView>
      <ConfirmDialog
        open={removing !== null}
        title={`Unlink ${removing?.provider_name ?? "account"}?`}
        confirm="Unlink"
        destructive
        onClose={() => setRemoving(null)}
        onConfirm={async () => {
          if (removing !== null) await unlinkIdentity(removing.provider_id);
          await client.invalidateQueries({ queryKey: identitiesKey });
        }}
      >
        <p>It no longer signs you in here. Make sure that you have another way.</p>
      </ConfirmDialog>
    </Section>
  );
}

import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { type UseQueryResult, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { destinationsMax } from "../../../../../core/exports/target.ts";
import { type Destination, destinationsKey, removeDestination, testDestination } from "../../api/exports.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { DestinationDialog } from "./destination-dialog.tsx";
import { addressOf, deliveryText } from "./words.ts";

/** Buckets and webhooks of the organisation's own. */
export function DestinationsSection({ query }: { readonly query: UseQueryResult<Destination[]> }) {
  const [adding, setAdding] = useState(false);
  const items = query.data ?? [];
  return (
    <Section
      title="Destinations"
      lead="A bucket of your own, or a webhook: owners and admins may send exports there"
      actions={
        <Button size="sm" disabled={items.length >= destinationsMax} onClick={() => setAdding(true)}>
          Add a destination
        </Button>
      }
    >
      <QueryView query={query} label="Loading destinations" rows={1}>
        {items.length === 0 ? (
          <p className="text-kumo-subtle">None yet: exports are downloaded.</p>
        ) : (
          <ul>
            {items.map((item) => (
              <DestinationRow key={item.id} item={item} />
            ))}
          </ul>
        )}
      </QueryView>
      {adding && <DestinationDialog present={null} onClose={() => setAdding(false)} />}
    </Section>
  );
}

function DestinationRow({ item }: { readonly item: Destination }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [changing, setChanging] = useState(false);
  const [removing, setRemoving] = useState(false);
  const readAgain = () => client.invalidateQueries({ queryKey: destinationsKey(org.id) });
  const test = useMutation({ mutationFn: () => testDestination(org.id, item.id), onSuccess: readAgain });
  return (
    <Row
      actions={
        <>
          <Button size="sm" loading={test.isPending} aria-label={`Test ${item.name}`} onClick={() => test.mutate()}>
            Test
          </Button>
          <Button size="sm" aria-label={`Change ${item.name}`} onClick={() => setChanging(true)}>
            Change
          </Button>
          <Button
            size="sm"
            variant="secondary-destructive"
            aria-label={`Remove ${item.name}`}
            onClick={() => setRemoving(true)}
          >
            Remove
          </Button>
        </>
      }
    >
      <div className="grid gap-1">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-words">{item.name}</span>
          <TestBadge test={item.test} />
        </p>
        <p className="font-mono text-[13px] break-all text-kumo-subtle">{addressOf(item)}</p>
        <p className="text-sm text-kumo-subtle">
          Secret <span className="font-mono text-[13px]">{item.secret.fingerprint}</span>, given{" "}
          <Timestamp at={item.secret.since} relative />
        </p>
        <FormFailure error={test.error} />
      </div>
      {changing && <DestinationDialog present={item} onClose={() => setChanging(false)} />}
      <ConfirmDialog
        open={removing}
        title={`Remove ${item.name}?`}
        confirm="Remove"
        destructive
        onConfirm={async () => {
          await removeDestination(org.id, item.id);
          await readAgain();
        }}
        onClose={() => setRemoving(false)}
      >
        <p>Its secret is gone at once. Exports that are on their way there fail; what is there already stays.</p>
      </ConfirmDialog>
    </Row>
  );
}

function TestBadge({ test }: { readonly test: Destination["test"] }) {
  if (test === null) return <Badge variant="secondary">Not tested</Badge>;
  if (test.failure === null) return <Badge variant="success">Works</Badge>;
  return <Badge variant="error">{deliveryText(test.failure)}</Badge>;
}

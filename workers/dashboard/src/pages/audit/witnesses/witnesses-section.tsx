import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { EyeIcon } from "@phosphor-icons/react/Eye";
import { PlusIcon } from "@phosphor-icons/react/Plus";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { listWitnesses, removeWitness, type Witness, witnessesKey } from "../../../api/witnesses.ts";
import { ConfirmDialog } from "../../../components/confirm-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Row, Section } from "../../../components/section.tsx";
import { Timestamp, useNow } from "../../../components/timestamp.tsx";
import { NewWitnessDialog } from "./new-witness-dialog.tsx";
import { keyName, witnessState } from "./witness-state.ts";

/** As often as a witness looks, in milliseconds. */
const refetchMs = 60_000;

/** Who watches the log besides us, when each signed last and up to where. */
export function WitnessesSection() {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Witness | null>(null);
  const key = witnessesKey(org.id);
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => listWitnesses(org.id, signal),
    refetchInterval: refetchMs,
  });
  const witnesses = query.data ?? [];
  return (
    <Section
      title="Witnesses"
      lead="Programs on your own machines that sign the log as long as it does nothing but grow. With one, nobody here can take an entry back unseen."
      actions={
        may("audit:manage") && (
          <Button icon={PlusIcon} onClick={() => setAdding(true)}>
            Register a witness
          </Button>
        )
      }
    >
      <QueryView query={query} label="Loading witnesses" rows={1}>
        {witnesses.length === 0 ? (
          <p className="text-kumo-subtle">None yet.</p>
        ) : (
          <ul aria-label="Witnesses">
            {witnesses.map((witness) => (
              <Row
                key={witness.id}
                icon={<EyeIcon className="size-5" />}
                actions={
                  may("audit:manage") && (
                    <Button
                      size="sm"
                      variant="secondary-destructive"
                      aria-label={`Remove ${witness.name}`}
                      onClick={() => setRemoving(witness)}
                    >
                      Remove
                    </Button>
                  )
                }
              >
                <WitnessLine witness={witness} />
              </Row>
            ))}
          </ul>
        )}
      </QueryView>
      {adding && <NewWitnessDialog onClose={() => setAdding(false)} />}
      <ConfirmDialog
        open={removing !== null}
        title={`Remove ${removing?.name ?? "witness"}?`}
        confirm="Remove witness"
        destructive
        onClose={() => setRemoving(null)}
        onConfirm={async () => {
          if (removing !== null) await removeWitness(org.id, removing.id);
          await client.invalidateQueries({ queryKey: key });
        }}
      >
        <p>Its token is worth nothing at once. What it signed stays. The removal stands in this log.</p>
      </ConfirmDialog>
    </Section>
  );
}

function WitnessLine({ witness }: { readonly witness: Witness }) {
  const { cosigned } = witness;
  const state = witnessState(witness, useNow());
  return (
    <>
      <p className="flex flex-wrap items-center gap-2 font-medium">
        {witness.name}
        {state === "silent" && <Badge variant="warning">Silent</Badge>}
        {state === "watching" && <Badge variant="success">Watching</Badge>}
      </p>
      <p className="text-sm text-kumo-subtle">
        {cosigned === null ? (
          "Has signed nothing yet"
        ) : (
          <>
            Signed up to no. <span className="tabular">{cosigned.size}</span>, <Timestamp at={cosigned.at} relative />
          </>
        )}
      </p>
      <p className="font-mono text-xs break-all text-kumo-subtle" title={witness.key}>
        {keyName(witness.key)}
      </p>
    </>
  );
}

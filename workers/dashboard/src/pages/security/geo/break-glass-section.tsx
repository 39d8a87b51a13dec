import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { breakGlassKey, getBreakGlass, makeBreakGlass } from "../../../api/geo.ts";
import { CopyField } from "../../../components/copy-field.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";

/** The code for the day on which the policy keeps everybody out: made by an owner, printed, used once. */
export function BreakGlassSection() {
  const { org, role } = useOrg();
  const client = useQueryClient();
  const [code, setCode] = useState<string | null>(null);
  const query = useQuery({ queryKey: breakGlassKey(org.id), queryFn: ({ signal }) => getBreakGlass(org.id, signal) });
  const make = useMutation({
    mutationFn: () => makeBreakGlass(org.id),
    onSuccess: async (made) => {
      setCode(made);
      await client.invalidateQueries({ queryKey: breakGlassKey(org.id) });
    },
  });
  const state = query.data;
  return (
    <Section
      title="Break-glass code"
      lead="For when the geo policy keeps everybody out: it opens the dashboard to the country it is used from, for 24 hours. It signs nobody in, works once, and tells every owner."
      actions={
        role === "owner" && (
          <Button loading={make.isPending} onClick={() => make.mutate()}>
            {state?.created_at == null ? "Make a code" : "Make a new code"}
          </Button>
        )
      }
    >
      <QueryView query={query} label="Loading" rows={1}>
        {state !== undefined && (
          <p>
            {state.created_at === null ? (
              "There is none yet."
            ) : (
              <>
                Made <Timestamp at={state.created_at} relative />
                {state.used_at === null ? "; not used." : ". It was used: make a new one."}
              </>
            )}
          </p>
        )}
        <FormFailure error={make.error} />
      </QueryView>
      <Dialog.Root open={code !== null} onOpenChange={(open) => !open && setCode(null)}>
        <Dialog className="grid gap-4 p-6">
          <Dialog.Title className="text-lg font-semibold">Print this code</Dialog.Title>
          <Dialog.Description className="text-kumo-subtle">
            It is shown once. Keep it on paper, where you keep keys; an earlier code works no more. It is used at{" "}
            {location.origin}/break-glass.
          </Dialog.Description>
          {code !== null && <CopyField label="Break-glass code" text={code} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => print()}>Print</Button>
            <Button variant="primary" onClick={() => setCode(null)}>
              I have it on paper
            </Button>
          </div>
        </Dialog>
      </Dialog.Root>
    </Section>
  );
}

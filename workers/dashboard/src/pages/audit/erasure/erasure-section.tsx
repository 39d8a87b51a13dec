import { Button } from "@cloudflare/kumo/components/button";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useOrg } from "../../../components/org-context.tsx";
import { Section } from "../../../components/section.tsx";
import { ErasureDialog } from "./erasure-dialog.tsx";

/** For owners: a former member asks to be forgotten. @param props.suggested whose entries are shown, if no member's */
export function ErasureSection({ suggested }: { readonly suggested: string }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [erased, setErased] = useState<string | null>(null);
  return (
    <Section
      title="Erase a person"
      lead="Makes a former member unreadable in this log. Every entry and every proof stays as it is."
      actions={
        <Button variant="secondary-destructive" onClick={() => setOpen(true)}>
          Erase a person
        </Button>
      }
    >
      <p role="status" className="empty:hidden">
        {erased !== null && `${erased} can’t be read in this log any more.`}
      </p>
      {open && (
        <ErasureDialog
          suggested={suggested}
          onErased={async (user) => {
            setOpen(false);
            setErased(user);
            await client.invalidateQueries({ queryKey: ["audit", org.id] });
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </Section>
  );
}

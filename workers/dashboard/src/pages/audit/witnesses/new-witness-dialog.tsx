import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { addWitness, witnessesKey } from "../../../api/witnesses.ts";
import { CopyField } from "../../../components/copy-field.tsx";
import { FormDialog } from "../../../components/form-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { ShownOnceDialog } from "../../../components/shown-once-dialog.tsx";

/** Asks for a name and the key that the witness printed, then shows its token: it is in no other place. */
export function NewWitnessDialog({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const work = useMutation({
    mutationFn: (idempotencyKey: string) => addWitness(org.id, { name: name.trim(), key: key.trim() }, idempotencyKey),
    onSuccess: () => client.invalidateQueries({ queryKey: witnessesKey(org.id) }),
  });
  if (work.data !== undefined) return <Registered token={work.data} onClose={onClose} />;
  return (
    <FormDialog
      open
      title="Register a witness"
      description="Start the witness program on a machine of yours. It makes a key, prints its public half and waits for the token that you get here."
      submit="Register"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={onClose}
    >
      <Input
        label="Name"
        required
        maxLength={200}
        placeholder="The board’s machine"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Input
        label="Public key"
        required
        maxLength={400}
        autoComplete="off"
        placeholder="school.example/witness+…"
        value={key}
        onChange={(event) => setKey(event.target.value)}
      />
    </FormDialog>
  );
}

function Registered({ token, onClose }: { readonly token: string; readonly onClose: () => void }) {
  return (
    <ShownOnceDialog
      title="The witness’s token"
      description="It is shown this once. Put it into the file “token” in the witness’s folder, readable by the witness alone."
      onClose={onClose}
    >
      <CopyField label="Token" text={token} />
    </ShownOnceDialog>
  );
}

import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { addPasskey } from "../../api/account.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { describeUserAgent } from "../../format/user-agent.ts";
import { useFactorsChanged } from "./use-factors-changed.ts";

export function AddPasskeyDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState(() => describeUserAgent(navigator.userAgent));
  const changed = useFactorsChanged();
  const work = useMutation({
    mutationFn: () => addPasskey(name.trim()),
    onSuccess: (codes) => {
      onClose();
      void changed(codes);
    },
  });
  return (
    <FormDialog
      open
      title="Add a passkey"
      description="Give it a name that tells you later where it is. Your browser then asks you for a fingerprint, face, PIN or security key."
      submit="Continue"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Input label="Name" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
    </FormDialog>
  );
}

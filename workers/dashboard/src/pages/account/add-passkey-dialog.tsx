import { useMutation } from "@tanstack/react-query";
import { addPasskey } from "../../api/account.ts";
import { NameDialog } from "../../components/name-dialog.tsx";
import { describeUserAgent } from "../../format/user-agent.ts";
import { useFactorsChanged } from "./use-factors-changed.ts";

export function AddPasskeyDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useFactorsChanged();
  const work = useMutation({
    mutationFn: addPasskey,
    onSuccess: (codes) => {
      onClose();
      void changed(codes);
    },
  });
  return (
    <NameDialog
      title="Add a passkey"
      description="Give it a name that tells you later where it is. Your browser then asks you for a fingerprint, face, PIN or security key."
      submit="Continue"
      suggested={describeUserAgent(navigator.userAgent)}
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}

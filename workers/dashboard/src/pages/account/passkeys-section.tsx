import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { FingerprintIcon } from "@phosphor-icons/react/Fingerprint";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listPasskeys, type Passkey, passkeysKey, removePasskey, renamePasskey } from "../../api/account.ts";
import { passkeysWork } from "../../api/webauthn.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { NameDialog } from "../../components/name-dialog.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { AddPasskeyDialog } from "./add-passkey-dialog.tsx";
import { useFactorsChanged } from "./use-factors-changed.ts";

export function PasskeysSection({ first }: { readonly first: boolean }) {
  const [adding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState<Passkey | null>(null);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const changed = useFactorsChanged();
  const query = useQuery({ queryKey: passkeysKey, queryFn: ({ signal }) => listPasskeys(signal) });
  const items = query.data ?? [];
  return (
    <Section
      title="Passkeys"
      lead="Your device’s fingerprint, face or PIN, or a security key: no code to type, and nothing that a false page could take."
      actions={
        passkeysWork() ? (
          <Button variant={first ? "primary" : "secondary"} onClick={() => setAdding(true)}>
            Add a passkey
          </Button>
        ) : undefined
      }
    >
      <QueryView query={query} label="Loading passkeys" rows={2}>
        {items.length === 0 ? (
          <p className="text-kumo-subtle">
            {passkeysWork() ? "You have none yet." : "You have none yet, and this browser can’t make one."}
          </p>
        ) : (
          <ul aria-label="Passkeys">
            {items.map((passkey) => (
              <Row
                key={passkey.id}
                icon={<FingerprintIcon className="size-5" />}
                actions={
                  <>
                    <Button size="sm" onClick={() => setRenaming(passkey)} aria-label={`Rename ${passkey.name}`}>
                      Rename
                    </Button>
                    <Button
                      size="sm"
                      variant="secondary-destructive"
                      onClick={() => setRemoving(passkey)}
                      aria-label={`Remove ${passkey.name}`}
                    >
                      Remove
                    </Button>
                  </>
                }
              >
                <PasskeyFacts passkey={passkey} />
              </Row>
            ))}
          </ul>
        )}
      </QueryView>
      {adding && <AddPasskeyDialog onClose={() => setAdding(false)} />}
      {renaming !== null && <RenameDialog passkey={renaming} onClose={() => setRenaming(null)} />}
      <ConfirmDialog
        open={removing !== null}
        title={`Remove ${removing?.name ?? "passkey"}?`}
        confirm="Remove passkey"
        destructive
        onClose={() => setRemoving(null)}
        onConfirm={async () => {
          if (removing !== null) await removePasskey(removing.id);
          await changed(null);
        }}
      >
        <p>It no longer signs you in. Your device may go on offering it: delete it there too.</p>
      </ConfirmDialog>
    </Section>
  );
}

function PasskeyFacts({ passkey }: { readonly passkey: Passkey }) {
  return (
    <>
      <p className="flex flex-wrap items-center gap-2 font-medium break-words">
        {passkey.name}
        {passkey.backed_up && <Badge variant="secondary">Synced</Badge>}
      </p>
      <p className="text-sm text-kumo-subtle">
        Added <Timestamp at={passkey.created_at} relative />
        {" · "}
        {passkey.last_used_at === null ? (
          "never used"
        ) : (
          <>
            last used <Timestamp at={passkey.last_used_at} relative />
          </>
        )}
      </p>
    </>
  );
}

function RenameDialog({ passkey, onClose }: { readonly passkey: Passkey; readonly onClose: () => void }) {
  const changed = useFactorsChanged();
  const work = useMutation({
    mutationFn: (name: string) => renamePasskey(passkey.id, name),
    onSuccess: async () => {
      await changed(null);
      onClose();
    },
  });
  return (
    <NameDialog
      title="Rename passkey"
      submit="Rename"
      suggested={passkey.name}
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}

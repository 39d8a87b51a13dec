import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useState } from "react";
import { removeTotp, type Security } from "../../api/account.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { TotpDialog } from "./totp-dialog.tsx";
import { useFactorsChanged } from "./use-factors-changed.ts";

export function TotpSection({ security }: { readonly security: Security }) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState(false);
  const changed = useFactorsChanged();
  const { totp } = security;
  return (
    <Section
      title="Authenticator app"
      lead="An app on your phone shows a new six-digit code every half minute."
      actions={
        totp === null ? (
          <Button onClick={() => setAdding(true)}>Set up</Button>
        ) : (
          <Button variant="secondary-destructive" onClick={() => setRemoving(true)}>
            Remove
          </Button>
        )
      }
    >
      {totp !== null && (
        <p className="flex flex-wrap items-center gap-2">
          <Badge variant="success">On</Badge>
          <span>
            Set up <Timestamp at={totp.created_at} relative />
          </span>
        </p>
      )}
      {adding && <TotpDialog onClose={() => setAdding(false)} />}
      <ConfirmDialog
        open={removing}
        title="Remove the authenticator app?"
        confirm="Remove"
        destructive
        onClose={() => setRemoving(false)}
        onConfirm={async () => {
          await removeTotp();
          await changed(null);
        }}
      >
        <p>Codes of the app no longer sign you in.</p>
        {security.passkeys === 0 && (
          <p>
            It is your last second factor: your password alone protects the account then, and the recovery codes go.
          </p>
        )}
      </ConfirmDialog>
    </Section>
  );
}

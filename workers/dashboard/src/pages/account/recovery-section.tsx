import { Button } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { makeRecoveryCodes, type Security } from "../../api/account.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { factorsOf, hasSecondFactor } from "../../second-factor.ts";
import { useFactorsChanged } from "./use-factors-changed.ts";

/** Fewer than this and it is time for new ones. */
const fewCodes = 3;

export function RecoverySection({ security }: { readonly security: Security }) {
  const [replacing, setReplacing] = useState(false);
  const changed = useFactorsChanged();
  const { remaining } = security.recovery_codes;
  const second = hasSecondFactor(factorsOf(security));
  const make = async (): Promise<void> => {
    const codes = await makeRecoveryCodes();
    void changed(codes);
  };
  const work = useMutation({ mutationFn: make });
  return (
    <Section
      title="Recovery codes"
      lead="They get you in when your phone or key is lost. Each works once."
      actions={
        second ? (
          <Button loading={work.isPending} onClick={() => (remaining === 0 ? work.mutate() : setReplacing(true))}>
            {remaining === 0 ? "Make codes" : "Make new codes"}
          </Button>
        ) : undefined
      }
    >
      {second ? (
        <p className={remaining < fewCodes ? "font-medium" : ""}>
          {remaining === 0 ? "None left. Make new ones." : `${remaining} ${remaining === 1 ? "code" : "codes"} left`}
          {remaining > 0 && remaining < fewCodes && ": make new ones soon."}
        </p>
      ) : (
        <p className="text-kumo-subtle">You get them with your first passkey or authenticator app.</p>
      )}
      <FormFailure error={work.error} />
      <ConfirmDialog
        open={replacing}
        title="Make new recovery codes?"
        confirm="Make new codes"
        onClose={() => setReplacing(false)}
        onConfirm={make}
      >
        <p>The codes you have now stop working at once.</p>
      </ConfirmDialog>
    </Section>
  );
}

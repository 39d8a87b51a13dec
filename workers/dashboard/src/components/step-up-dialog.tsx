import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { isConfined, proveIdentity, proveIdentityWithPasskey, securityKey, useSecurity } from "../api/account.ts";
import { meKey, useMe } from "../api/auth.ts";
import type { TypedProof } from "../api/sign-in.ts";
import { stepUp } from "../api/step-up.ts";
import { passkeysWork } from "../api/webauthn.ts";
import { ProofForm } from "./proof-form.tsx";
import { QueryView } from "./query-view.tsx";
import { waysOf, waysOfFactors } from "./step-up-ways.ts";

/** Opens when the server wants to know again who is at the screen (RFC 9470); what was asked for then goes on. */
export function StepUpDialog() {
  const [asked, setAsked] = useState<{ readonly answer: (proven: boolean) => void } | null>(null);
  useEffect(() => stepUp.attach(() => new Promise<boolean>((answer) => setAsked({ answer }))), []);
  if (asked === null) return null;
  const close = (proven: boolean): void => {
    setAsked(null);
    asked.answer(proven);
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close(false)} disablePointerDismissal>
      <Dialog className="grid gap-4 p-6">
        <Dialog.Title className="text-lg font-semibold">Is it still you?</Dialog.Title>
        <Dialog.Description className="-mt-2 text-kumo-subtle">
          Something this grave needs a fresh proof. It holds for ten minutes.
        </Dialog.Description>
        <Proof onProven={() => close(true)} />
        <Button onClick={() => close(false)} className="w-full justify-center">
          Cancel
        </Button>
      </Dialog>
    </Dialog.Root>
  );
}

function Proof({ onProven }: { readonly onProven: () => void }) {
  const client = useQueryClient();
  const me = useMe();
  const security = useSecurity();
  const work = useMutation({
    mutationFn: (proof: TypedProof | "passkey") =>
      proof === "passkey" ? proveIdentityWithPasskey() : proveIdentity(proof),
    onSuccess: () => {
      onProven();
      void client.invalidateQueries({ queryKey: securityKey });
      void client.invalidateQueries({ queryKey: meKey });
    },
  });
  const factors = me.data?.factors ?? [];
  const confined = isConfined(security.error);
  const ways = confined
    ? waysOfFactors(factors, passkeysWork())
    : security.data === undefined
      ? null
      : waysOf(security.data, passkeysWork());
  // A session that may not look at the account still knows its factors.
  const query = confined ? { ...security, error: null, data: factors } : security;
  return (
    <QueryView query={query} label="Looking up how you can prove it" rows={2}>
      {ways !== null && !Object.values(ways).includes(true) && (
        <p>
          Nothing that this browser can ask for proves that it is you. Sign out and in again, and you have ten minutes.
        </p>
      )}
      {ways !== null && Object.values(ways).includes(true) && (
        <ProofForm
          ways={ways}
          submit="Continue"
          email={me.data?.user.email}
          pending={work.isPending}
          error={work.error}
          onTyped={work.mutate}
          onPasskey={() => work.mutate("passkey")}
        />
      )}
    </QueryView>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { beginTotp, confirmTotp, type TotpSetup } from "../../api/account.ts";
import { isProblem } from "../../api/problem.ts";
import { cleanCode } from "../../components/clean-code.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { QrCode } from "../../components/qr-code.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { FormFailure } from "../../components/states.tsx";
import { groupSecret } from "./group-secret.ts";
import { useFactorsChanged } from "./use-factors-changed.ts";

/** Scan, type the code back, done: the secret is in use only once a code has proven that the app has it. */
export function TotpDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useFactorsChanged();
  const setup = useQuery({
    queryKey: ["totp-setup"],
    queryFn: beginTotp,
    // One secret for one opening of the dialog; a new one under a code being typed would refuse it.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    retry: false,
  });
  const work = useMutation({
    mutationFn: (code: string) => confirmTotp(cleanCode(code)),
    onSuccess: (codes) => {
      onClose();
      void changed(codes);
    },
  });
  return (
    <Dialog.Root open onOpenChange={(open) => !open && !work.isPending && onClose()} disablePointerDismissal>
      <Dialog size="lg" className="grid max-h-[92dvh] gap-4 overflow-y-auto p-6">
        <Dialog.Title className="text-lg font-semibold">Set up an authenticator app</Dialog.Title>
        <QueryView query={setup} label="Making a secret for your app" rows={3}>
          {setup.data !== undefined && (
            <Confirm
              setup={setup.data}
              pending={work.isPending}
              error={work.error}
              onCode={work.mutate}
              onClose={onClose}
            />
          )}
        </QueryView>
        {setup.data === undefined && (
          <div className="flex justify-end">
            <Button onClick={onClose}>Cancel</Button>
          </div>
        )}
      </Dialog>
    </Dialog.Root>
  );
}

function Confirm(props: {
  readonly setup: TotpSetup;
  readonly pending: boolean;
  readonly error: unknown;
  readonly onCode: (code: string) => void;
  readonly onClose: () => void;
}) {
  const { setup, pending, error } = props;
  const [code, setCode] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!pending) props.onCode(code);
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <div className="flex flex-wrap items-center gap-5 max-sm:justify-center">
        <QrCode text={setup.uri} label="QR code for your authenticator app" />
        <ol className="min-w-0 flex-1 basis-48 list-decimal pl-5 text-kumo-subtle">
          <li>Open an authenticator app on your phone.</li>
          <li>Scan the picture, or type the key below into it.</li>
          <li>Type the code that the app then shows.</li>
        </ol>
      </div>
      <CopyField label="Key" text={setup.secret} shown={groupSecret(setup.secret)} />
      <Input
        ref={input}
        label="Code"
        name="otp"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        maxLength={8}
        className="font-mono tracking-wider"
        value={code}
        onChange={(event) => setCode(event.target.value)}
        description="Six digits"
      />
      {isProblem(error, "invalid_request") ? (
        <p role="alert" className="rounded-lg bg-kumo-danger-tint p-3 ring ring-kumo-danger/30">
          That is not the code your app shows now. Wait for the next one, and check that the phone’s clock is right.
        </p>
      ) : (
        <FormFailure error={error} />
      )}
      <div className="flex justify-end gap-2">
        <Button type="button" disabled={pending} onClick={props.onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" loading={pending}>
          Turn on
        </Button>
      </div>
    </form>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { changeEmail } from "../../api/account.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { Section } from "../../components/section.tsx";

export function EmailSection({ email }: { readonly email: string }) {
  const [open, setOpen] = useState(false);
  const [next, setNext] = useState("");
  const work = useMutation({ mutationFn: () => changeEmail(next.trim()), onSuccess: () => setOpen(false) });
  return (
    <Section
      title="E-mail"
      lead={<span className="break-all">{email}</span>}
      actions={<Button onClick={() => setOpen(true)}>Change</Button>}
    >
      {work.isSuccess && (
        <p role="status">
          Two messages are on their way: to your address and to <strong className="break-all">{next.trim()}</strong>.
          Open the link in each, and the new one takes over.
        </p>
      )}
      {open && (
        <FormDialog
          open
          title="Change your e-mail"
          description="Both addresses get a message and both must confirm, so that nobody takes your account by one of them alone."
          submit="Send the messages"
          pending={work.isPending}
          error={work.error}
          onSubmit={() => work.mutate()}
          onClose={() => {
            work.reset();
            setOpen(false);
          }}
        >
          <Input
            label="New e-mail"
            type="email"
            autoComplete="email"
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </FormDialog>
      )}
    </Section>
  );
}

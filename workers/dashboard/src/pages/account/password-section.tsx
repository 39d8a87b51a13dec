import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { changePassword, type Security, securityKey, sessionsKey } from "../../api/account.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { NewPassword } from "../../components/new-password.tsx";
import { Section } from "../../components/section.tsx";
import { factorsOf, hasSecondFactor } from "../../second-factor.ts";

export function PasswordSection({ security, email }: { readonly security: Security; readonly email: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Section
      title="Password"
      lead={security.password ? "Changing it signs you out everywhere else." : "You sign in without one so far."}
      actions={<Button onClick={() => setOpen(true)}>{security.password ? "Change" : "Set a password"}</Button>}
    >
      {open && <PasswordDialog security={security} email={email} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function PasswordDialog(props: { readonly security: Security; readonly email: string; readonly onClose: () => void }) {
  const has = props.security.password;
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const work = useMutation({
    mutationFn: () => changePassword({ ...(has ? { current_password: current } : {}), new_password: next }),
    onSuccess: async () => {
      toasts.add({ title: "Your password is changed", variant: "success" });
      props.onClose();
      await Promise.all([securityKey, sessionsKey].map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  return (
    <FormDialog
      open
      title={has ? "Change your password" : "Set a password"}
      submit={has ? "Change password" : "Set password"}
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={props.onClose}
    >
      <input type="text" name="username" autoComplete="username" value={props.email} readOnly hidden />
      {has && (
        <Input
          label="Current password"
          type="password"
          autoComplete="current-password"
          required
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
        />
      )}
      <NewPassword
        label="New password"
        value={next}
        onChange={setNext}
        besideFactor={hasSecondFactor(factorsOf(props.security))}
      />
    </FormDialog>
  );
}

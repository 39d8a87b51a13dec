import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  addProviderSecret,
  changeIdentityProvider,
  type IdentityProvider,
  identityProvidersKey,
  removeIdentityProvider,
  retireProviderSecret,
} from "../../api/identity-providers.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { endOfDay } from "../../format/day.ts";
import { type SettingsForm, settingsOf } from "./presets.ts";
import type { ProviderTask } from "./provider-card.tsx";
import { SecretFields } from "./secret-fields.tsx";
import { SettingsFields } from "./settings-fields.tsx";

/** The dialog of what was chosen. */
export function ProviderTaskDialog({ task, onClose }: { readonly task: ProviderTask; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const reload = () => client.invalidateQueries({ queryKey: identityProvidersKey(org.id) });
  const done = async (): Promise<void> => {
    onClose();
    await reload();
  };
  const { provider } = task;
  switch (task.kind) {
    case "edit":
      return <EditDialog provider={provider} onDone={done} onClose={onClose} />;
    case "rotate":
      return <RotateDialog provider={provider} onDone={done} onClose={onClose} />;
    case "retire":
      return (
        <ConfirmDialog
          open
          title="Retire this secret?"
          confirm="Retire secret"
          destructive
          onClose={onClose}
          onConfirm={async () => {
            await retireProviderSecret(org.id, provider.id, task.secret.id);
            await reload();
          }}
        >
          <p>It is not used again. Make sure that the other one works: sign in with {provider.name} once.</p>
        </ConfirmDialog>
      );
    case "remove":
      return (
        <ConfirmDialog
          open
          title={`Remove ${provider.name}?`}
          confirm="Remove provider"
          destructive
          onClose={onClose}
          onConfirm={async () => {
            await removeIdentityProvider(org.id, provider.id);
            await reload();
          }}
        >
          <p>Nobody signs in with it any more, and every link of an account to it is undone.</p>
          <p>People who have no password and no passkey then need “Forgot your password?” to get in.</p>
        </ConfirmDialog>
      );
  }
}

interface DialogProps {
  readonly provider: IdentityProvider;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

function EditDialog({ provider, onDone, onClose }: DialogProps) {
  const { org } = useOrg();
  const [form, setForm] = useState<SettingsForm>({
    name: provider.name,
    enabled: provider.enabled,
    allowSignUp: provider.allow_sign_up,
    trustsMfa: provider.trusts_mfa,
    confirmsEmail: provider.confirms_email,
    joiningRole: provider.default_role ?? "none",
    domains: provider.email_domains.join(", "),
  });
  const work = useMutation({
    mutationFn: () => changeIdentityProvider(org.id, provider.id, settingsOf(form, provider.kind)),
    onSuccess: onDone,
  });
  return (
    <FormDialog
      open
      title={`Edit ${provider.name}`}
      submit="Save"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <SettingsFields kind={provider.kind} value={form} onChange={setForm} />
    </FormDialog>
  );
}

function RotateDialog({ provider, onDone, onClose }: DialogProps) {
  const { org } = useOrg();
  const [secret, setSecret] = useState("");
  const [expires, setExpires] = useState("");
  const work = useMutation({
    mutationFn: () => addProviderSecret(org.id, provider.id, { client_secret: secret, expires_at: endOfDay(expires) }),
    onSuccess: onDone,
  });
  return (
    <FormDialog
      open
      title={`Rotate the secret of ${provider.name}`}
      description="Make a new one in the provider’s console and paste it here. The one of now stays good until the new one has worked for a while."
      submit="Add secret"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <SecretFields label="New secret" secret={secret} expires={expires} onSecret={setSecret} onExpires={setExpires} />
    </FormDialog>
  );
}

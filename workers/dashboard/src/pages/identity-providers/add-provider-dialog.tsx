import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  createIdentityProvider,
  identityProvidersKey,
  type ProviderKind,
  providerKinds,
} from "../../api/identity-providers.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { bodyOf, emptySettings, type ProviderForm, presets } from "./presets.ts";
import { SecretFields } from "./secret-fields.tsx";
import { SettingsFields } from "./settings-fields.tsx";

const kinds = Object.fromEntries(providerKinds.map((kind) => [kind, presets[kind].label])) as Record<
  ProviderKind,
  string
>;
const signings = { jwks: "Public keys", hs256: "Shared JWT secret (legacy)" } as const;

export function AddProviderDialog({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [form, setForm] = useState<ProviderForm>({
    kind: "google",
    issuer: "",
    clientId: "",
    secret: "",
    secretExpires: "",
    signing: "jwks",
    settings: { ...emptySettings, name: presets.google.name },
  });
  const set = (change: Partial<ProviderForm>): void => setForm({ ...form, ...change });
  const choose = (kind: ProviderKind): void =>
    set({ kind, issuer: "", settings: { ...form.settings, name: presets[kind].name } });
  const work = useMutation({
    mutationFn: (idempotencyKey: string) => createIdentityProvider(org.id, bodyOf(form), idempotencyKey),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: identityProvidersKey(org.id) });
    },
  });
  return (
    <FormDialog
      open
      title="Add an identity provider"
      description={presets[form.kind].where}
      submit="Add provider"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={onClose}
    >
      <Select
        label="Provider"
        value={form.kind}
        items={kinds}
        onValueChange={(kind) => kind !== null && choose(kind as ProviderKind)}
      />
      <ClientFields form={form} onChange={set} />
      <SettingsFields kind={form.kind} value={form.settings} onChange={(settings) => set({ settings })} />
    </FormDialog>
  );
}

/** What is registered with the provider and copied from its console; none of it can be changed later but the secret. */
function ClientFields(props: {
  readonly form: ProviderForm;
  readonly onChange: (change: Partial<ProviderForm>) => void;
}) {
  const { form, onChange: set } = props;
  const preset = presets[form.kind];
  const supabase = form.kind === "supabase";
  return (
    <>
      {!supabase && <CopyField label="Redirect address to register there" text={redirectUri()} />}
      {preset.issuer !== null && (
        <Input
          label={preset.issuer.label}
          required
          spellCheck={false}
          placeholder={preset.issuer.placeholder}
          value={form.issuer}
          onChange={(event) => set({ issuer: event.target.value })}
          description={preset.issuer.description}
        />
      )}
      {supabase ? (
        <Select
          label="It signs tokens with"
          value={form.signing}
          items={signings}
          onValueChange={(signing) => signing !== null && set({ signing: signing as ProviderForm["signing"] })}
        />
      ) : (
        <Input
          label="Client ID"
          required
          spellCheck={false}
          autoComplete="off"
          value={form.clientId}
          onChange={(event) => set({ clientId: event.target.value })}
        />
      )}
      {(!supabase || form.signing === "hs256") && (
        <SecretFields
          label={supabase ? "JWT secret" : "Client secret"}
          secret={form.secret}
          expires={form.secretExpires}
          onSecret={(secret) => set({ secret })}
          onExpires={(secretExpires) => set({ secretExpires })}
        />
      )}
    </>
  );
}

/** The same for every provider; the server says it again with each one that is there. */
function redirectUri(): string {
  return new URL("/sign-in/callback", window.location.origin).href;
}

import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { overlapDays } from "../../../../../core/llm/provider.ts";
import {
  addLlmProvider,
  changeLlmProvider,
  type LlmPlatform,
  type LlmProvider,
  llmProvidersKey,
  removeLlmProvider,
} from "../../api/llm.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { SecretInput } from "../../components/secret-input.tsx";
import type { ProviderTask } from "./provider-card.tsx";
import { emptyForm, formOf, type ProviderForm, readForm, settingsOf } from "./provider-form.ts";
import { SettingsFields } from "./settings-fields.tsx";

interface DialogProps {
  readonly provider: LlmProvider;
  readonly onClose: () => void;
}

/** The dialog of what was chosen. */
export function ProviderTaskDialog(props: {
  readonly task: ProviderTask;
  readonly platform: LlmPlatform;
  readonly onClose: () => void;
}) {
  const { task, platform, onClose } = props;
  const { provider } = task;
  if (task.kind === "edit") return <EditDialog provider={provider} platform={platform} onClose={onClose} />;
  if (task.kind === "rotate") return <RotateDialog provider={provider} onClose={onClose} />;
  return <RemoveDialog provider={provider} onClose={onClose} />;
}

/** Does the work, reads the list anew, and closes. */
function useProviderWork<T>(work: (org: string, given: T) => Promise<void>, onClose: () => void) {
  const { org } = useOrg();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: T) => work(org.id, given),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: llmProvidersKey(org.id) });
    },
  });
}

/** What a field can't say of itself. */
function Wrong({ text }: { readonly text: string | null }) {
  if (text === null) return null;
  return (
    <p role="alert" className="rounded-lg bg-kumo-danger-tint p-3 ring ring-kumo-danger/30">
      {text}
    </p>
  );
}

export function AddProviderDialog({
  platform,
  onClose,
}: {
  readonly platform: LlmPlatform;
  readonly onClose: () => void;
}) {
  const [form, setForm] = useState<ProviderForm>(emptyForm);
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const work = useProviderWork(
    (org, given: Parameters<typeof addLlmProvider>[1]) => addLlmProvider(org, given, crypto.randomUUID()),
    onClose,
  );
  const hasKey = form.kind !== "workers_ai";
  const submit = (): void => {
    const settings = readForm(form);
    setWrong(typeof settings === "string" ? settings : null);
    if (typeof settings !== "string") work.mutate(hasKey ? { ...settings, key } : settings);
  };
  return (
    <FormDialog
      open
      title="Add a provider"
      description={hasKey ? "Its key is sealed, and shown to nobody again." : undefined}
      submit="Add provider"
      pending={work.isPending}
      error={work.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <SettingsFields
        form={form}
        was={null}
        platform={platform}
        onChange={(change) => {
          setWrong(null);
          setForm({ ...form, ...emptied(form, change), ...change });
        }}
      />
      {hasKey && <SecretInput label="API key" value={key} onChange={setKey} />}
      <Wrong text={wrong} />
    </FormDialog>
  );
}

/** Models of the platform's own are no other provider's, nor the other way round. */
const emptied = (form: ProviderForm, { kind }: Partial<ProviderForm>): Partial<ProviderForm> =>
  kind !== undefined && (kind === "workers_ai") !== (form.kind === "workers_ai") ? { models: emptyForm.models } : {};

function EditDialog({ provider, platform, onClose }: DialogProps & { readonly platform: LlmPlatform }) {
  const [form, setForm] = useState<ProviderForm>(() => formOf(provider));
  const [key, setKey] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const work = useProviderWork(
    (org, change: Parameters<typeof changeLlmProvider>[2]) => changeLlmProvider(org, provider.id, change),
    onClose,
  );
  // A key goes to the address that it was given for: with another one it is given anew.
  const moved = provider.base_url !== null && form.baseUrl.trim() !== provider.base_url;
  const submit = (): void => {
    const settings = readForm(form);
    setWrong(typeof settings === "string" ? settings : null);
    if (typeof settings !== "string") work.mutate(moved ? { ...settings, key } : settings);
  };
  return (
    <FormDialog
      open
      title={`Edit ${provider.name}`}
      submit="Save"
      pending={work.isPending}
      error={work.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <SettingsFields
        form={form}
        was={provider.kind}
        platform={platform}
        onChange={(change) => {
          setWrong(null);
          setForm({ ...form, ...change });
        }}
      />
      {moved && <SecretInput label="API key for this address" value={key} onChange={setKey} />}
      <Wrong text={wrong} />
    </FormDialog>
  );
}

function RotateDialog({ provider, onClose }: DialogProps) {
  const [key, setKey] = useState("");
  const [leaked, setLeaked] = useState(false);
  const work = useProviderWork(
    (org, change: Parameters<typeof changeLlmProvider>[2]) => changeLlmProvider(org, provider.id, change),
    onClose,
  );
  return (
    <FormDialog
      open
      title={`Rotate the key of ${provider.name}`}
      description="Make a new one in the provider’s console and paste it here. It is used at once."
      submit="Rotate key"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate({ ...settingsOf(provider), key, keep_previous_key: !leaked })}
      onClose={onClose}
    >
      <SecretInput label="New API key" value={key} onChange={setKey} />
      <Checkbox label="The key of now leaked: end it at once" checked={leaked} onCheckedChange={setLeaked} />
      {!leaked && (
        <p className="text-sm text-kumo-subtle">
          The key of now stays valid for {overlapDays} days, and is tried where the provider does not know the new one
          yet.
        </p>
      )}
    </FormDialog>
  );
}

function RemoveDialog({ provider, onClose }: DialogProps) {
  const { org } = useOrg();
  const client = useQueryClient();
  return (
    <ConfirmDialog
      open
      title={`Remove ${provider.name}?`}
      confirm="Remove provider"
      destructive
      onClose={onClose}
      onConfirm={async () => {
        await removeLlmProvider(org.id, provider.id);
        await client.invalidateQueries({ queryKey: llmProvidersKey(org.id) });
      }}
    >
      <p>
        {provider.key !== null && "Its keys are gone at once. "}
        Nobody asks it any more. What it cost stays on record.
      </p>
    </ConfirmDialog>
  );
}

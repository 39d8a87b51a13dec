import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Encryption, encryptionKey, type Keeper, type KeeperKind, putEncryption } from "../../api/encryption.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { SecretInput } from "../../components/secret-input.tsx";

const kinds: Readonly<Record<KeeperKind, string>> = {
  sentinel: "Sentinel",
  https: "A key service of your own (HTTPS)",
  aws_kms: "AWS KMS",
};

interface Form {
  readonly kind: KeeperKind;
  readonly address: string;
  readonly token: string;
  readonly keyArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function keeperOf(form: Form): Keeper {
  switch (form.kind) {
    case "sentinel":
      return { keeper: "sentinel" };
    case "https":
      return { keeper: "https", address: form.address.trim().replace(/\/$/, ""), token: form.token };
    case "aws_kms":
      return {
        keeper: "aws_kms",
        key_arn: form.keyArn.trim(),
        access_key_id: form.accessKeyId.trim(),
        secret_access_key: form.secretAccessKey,
      };
  }
}

/** Names another keeper. Both the present one and the new one are asked while it saves. */
export function KeeperDialog({ present, onClose }: { readonly present: Encryption; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [form, setForm] = useState<Form>({
    kind: present.keeper,
    address: present.address ?? "",
    token: "",
    keyArn: present.key_arn ?? "",
    accessKeyId: present.access_key_id ?? "",
    secretAccessKey: "",
  });
  const set = (change: Partial<Form>): void => setForm({ ...form, ...change });
  const work = useMutation({
    mutationFn: () => putEncryption(org.id, keeperOf(form)),
    onSuccess: async (state) => {
      client.setQueryData(encryptionKey(org.id), state);
      toasts.add({ title: "The keys were handed over", variant: "success" });
      onClose();
    },
  });
  return (
    <FormDialog
      open
      title="Who keeps the key"
      description="Every data key is wrapped anew in one step. The present keeper has to give them once more, and the new one has to show that it gives back what it takes; otherwise nothing changes."
      submit="Hand over"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Select
        label="Keeper"
        value={form.kind}
        items={kinds}
        onValueChange={(kind) => kind !== null && set({ kind: kind as KeeperKind })}
      />
      {form.kind === "https" && <HttpsFields form={form} onChange={set} />}
      {form.kind === "aws_kms" && <KmsFields form={form} onChange={set} />}
    </FormDialog>
  );
}

interface FieldsProps {
  readonly form: Form;
  readonly onChange: (change: Partial<Form>) => void;
}

function HttpsFields({ form, onChange }: FieldsProps) {
  return (
    <>
      <Input
        label="Address"
        required
        spellCheck={false}
        placeholder="https://keys.example.org/v1"
        value={form.address}
        onChange={(event) => onChange({ address: event.target.value })}
        description="On a public name, by https. Sentinel posts to /wrap and /unwrap under it."
      />
      <SecretInput label="Token" value={form.token} onChange={(token) => onChange({ token })} />
    </>
  );
}

function KmsFields({ form, onChange }: FieldsProps) {
  return (
    <>
      <Input
        label="ARN of the key"
        required
        spellCheck={false}
        placeholder="arn:aws:kms:ap-south-1:111122223333:key/…"
        value={form.keyArn}
        onChange={(event) => onChange({ keyArn: event.target.value })}
        description="Of the key itself, not of an alias. The user below needs kms:Encrypt and kms:Decrypt for it, and nothing else."
      />
      <Input
        label="Access key ID"
        required
        spellCheck={false}
        autoComplete="off"
        value={form.accessKeyId}
        onChange={(event) => onChange({ accessKeyId: event.target.value })}
      />
      <SecretInput
        label="Secret access key"
        value={form.secretAccessKey}
        onChange={(secretAccessKey) => onChange({ secretAccessKey })}
      />
    </>
  );
}

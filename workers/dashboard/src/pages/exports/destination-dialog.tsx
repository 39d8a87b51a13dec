import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  addDestination,
  type ChangedDestination,
  changeDestination,
  type Destination,
  destinationsKey,
  type NewDestination,
} from "../../api/exports.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { SecretInput } from "../../components/secret-input.tsx";
import { Segmented } from "../../components/segmented.tsx";
import { ShownOnceDialog } from "../../components/shown-once-dialog.tsx";

interface Form {
  readonly name: string;
  readonly url: string;
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly path_style: boolean;
  readonly access_key_id: string;
  readonly secret_access_key: string;
  readonly new_secret: boolean;
}
const empty: Form = {
  name: "",
  url: "",
  endpoint: "",
  region: "",
  bucket: "",
  prefix: "",
  path_style: false,
  access_key_id: "",
  secret_access_key: "",
  new_secret: false,
};

const formOf = ({ name, bucket, webhook }: Destination): Form => ({ ...empty, name, ...bucket, ...webhook });

/**
 * Asks for a bucket or a webhook, a new one or what one becomes; of a webhook, shows the secret that signs, which is
 * in no other place.
 * @param props.present null: a new one
 */
export function DestinationDialog({
  present,
  onClose,
}: {
  readonly present: Destination | null;
  readonly onClose: () => void;
}) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [kind, setKind] = useState(present?.kind ?? "bucket");
  const [form, setForm] = useState(present === null ? empty : formOf(present));
  const set = (change: Partial<Form>): void => setForm({ ...form, ...change });
  const work = useMutation({
    mutationFn: (key: string) =>
      present === null
        ? addDestination(org.id, givenOf(kind, form), key)
        : changeDestination(org.id, present.id, changeOf(kind, form)),
    onSuccess: async (secret) => {
      if (secret === null) onClose();
      await client.invalidateQueries({ queryKey: destinationsKey(org.id) });
    },
  });
  if (typeof work.data === "string")
    return (
      <ShownOnceDialog
        title="Signing secret"
        description="Put it into the receiver, which proves each message with it (Standard Webhooks). It is not shown again."
        onClose={onClose}
      >
        <CopyField label="Signing secret" text={work.data} />
      </ShownOnceDialog>
    );
  return (
    <FormDialog
      open
      title={present === null ? "Add a destination" : `Change ${present.name}`}
      description={
        kind === "bucket"
          ? "A key that may write there, and nothing else, is enough."
          : "Your receiver gets the bytes in signed messages (Standard Webhooks)."
      }
      submit={present === null ? "Add destination" : "Save"}
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={onClose}
    >
      {present === null && (
        <Segmented
          legend="Kind"
          value={kind}
          options={[
            { id: "bucket", label: "Bucket (S3, R2)" },
            { id: "webhook", label: "Webhook" },
          ]}
          onChange={setKind}
        />
      )}
      <Field label="Name" max={64} value={form.name} onChange={(name) => set({ name })} />
      {kind === "webhook" ? (
        <Field label="Address" max={512} value={form.url} onChange={(url) => set({ url })} />
      ) : (
        <BucketFields form={form} isNew={present === null} onChange={set} />
      )}
      {present !== null && kind === "webhook" && (
        <Checkbox
          label="Make a new signing secret; the one before ends at once"
          checked={form.new_secret}
          onCheckedChange={(new_secret) => set({ new_secret })}
        />
      )}
    </FormDialog>
  );
}

function BucketFields({
  form,
  isNew,
  onChange,
}: {
  readonly form: Form;
  readonly isNew: boolean;
  readonly onChange: (change: Partial<Form>) => void;
}) {
  return (
    <>
      <Field
        label="Address of the service"
        max={512}
        placeholder="https://s3.eu-central-1.amazonaws.com"
        value={form.endpoint}
        onChange={(endpoint) => onChange({ endpoint })}
      />
      <div className="grid gap-3 sm:grid-cols-2 *:min-w-0">
        <Field label="Region" max={32} value={form.region} onChange={(region) => onChange({ region })} />
        <Field label="Bucket" max={63} value={form.bucket} onChange={(bucket) => onChange({ bucket })} />
      </div>
      <Field
        label="Folder, ending in a slash"
        max={200}
        optional
        value={form.prefix}
        onChange={(prefix) => onChange({ prefix })}
      />
      <Checkbox
        label="The bucket stands in the path, not in front of the host"
        checked={form.path_style}
        onCheckedChange={(path_style) => onChange({ path_style })}
      />
      <Field
        label="Access key ID"
        max={128}
        value={form.access_key_id}
        onChange={(access_key_id) => onChange({ access_key_id })}
      />
      <SecretInput
        label="Secret access key"
        value={form.secret_access_key}
        {...(isNew ? {} : { optional: "Empty: it stays, if service, bucket and access key do" })}
        onChange={(secret_access_key) => onChange({ secret_access_key })}
      />
    </>
  );
}

function Field(props: {
  readonly label: string;
  readonly max: number;
  readonly value: string;
  readonly optional?: boolean;
  readonly placeholder?: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <Input
      label={props.label}
      required={props.optional !== true}
      maxLength={props.max}
      spellCheck={false}
      {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    />
  );
}

function givenOf(kind: "bucket" | "webhook", form: Form): NewDestination {
  const { url, name, new_secret: _, ...bucket } = form;
  return kind === "webhook"
    ? { kind, name: name.trim(), url: url.trim() }
    : { kind, name: name.trim(), ...bucket, endpoint: bucket.endpoint.trim() };
}

function changeOf(kind: "bucket" | "webhook", form: Form): ChangedDestination {
  const given = givenOf(kind, form);
  if (given.kind === "webhook") return { ...given, new_secret: form.new_secret };
  const { secret_access_key, ...kept } = given;
  return secret_access_key === "" ? kept : { ...kept, secret_access_key };
}

import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Role, roles } from "../../../../../core/tenancy/roles.ts";
import { roleNames } from "../../access.ts";
import { apiKeysKey, createApiKey } from "../../api/api-keys.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { ShownOnceDialog } from "../../components/shown-once-dialog.tsx";

const dayMs = 24 * 3600_000;
const lifetimes = { "7": "7 days", "30": "30 days", "90": "90 days", "180": "180 days", "364": "One year" } as const;
/** An owner holds too much for a secret in a file; the server refuses it as well. */
const keyRoles = roles.filter((role) => role !== "owner");

/** Asks for name, role and life, then shows the key: it is in no other place. */
export function NewKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState<string>("90");
  const work = useMutation({
    mutationFn: (idempotencyKey: string) => {
      const expires_at = new Date(Date.now() + Number(days) * dayMs).toISOString();
      return createApiKey(org.id, { name: name.trim(), role, expires_at }, idempotencyKey);
    },
    onSuccess: () => client.invalidateQueries({ queryKey: apiKeysKey(org.id) }),
  });
  if (work.data !== undefined) return <Made apiKey={work.data} onClose={onClose} />;
  return (
    <FormDialog
      open
      title="New API key"
      submit="Make key"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={onClose}
    >
      <Input
        label="Name"
        required
        maxLength={200}
        placeholder="Nightly report"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Select
        label="Role"
        value={role}
        renderValue={(value) => roleNames[value].label}
        onValueChange={(next) => next !== null && setRole(next)}
        description={roleNames[role].meaning}
      >
        {keyRoles.map((each) => (
          <Select.Option key={each} value={each}>
            {roleNames[each].label}
          </Select.Option>
        ))}
      </Select>
      <Select
        label="Valid for"
        value={days}
        onValueChange={(value) => value !== null && setDays(value)}
        items={lifetimes}
      />
    </FormDialog>
  );
}

function Made({ apiKey, onClose }: { readonly apiKey: string; readonly onClose: () => void }) {
  return (
    <ShownOnceDialog
      title="Your new API key"
      description="It is shown this once. Put it where the program reads its secrets."
      onClose={onClose}
    >
      <CopyField label="API key" text={apiKey} />
      <CopyField
        label="How it is used"
        text={`curl -H "Authorization: Bearer $SENTINEL_KEY" ${window.location.origin}/api/v1/me`}
      />
    </ShownOnceDialog>
  );
}

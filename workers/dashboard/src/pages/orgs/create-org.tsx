import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { meKey } from "../../api/auth.ts";
import { createOrg } from "../../api/orgs.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { suggestSlug } from "./suggest-slug.ts";

export function CreateOrgDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const [name, setName] = useState("");
  const [ownSlug, setOwnSlug] = useState<string | null>(null);
  const [key] = useState(() => crypto.randomUUID());
  const client = useQueryClient();
  const navigate = useNavigate();
  const slug = ownSlug ?? suggestSlug(name);
  const work = useMutation({
    // The name and slug are part of the key: a corrected form is a new request, a double click is not.
    mutationFn: () => createOrg({ name: name.trim(), slug }, `${key}:${slug}`),
    onSuccess: async (org) => {
      await client.invalidateQueries({ queryKey: meKey });
      await navigate(`/o/${org.slug}`);
    },
  });
  const close = (): void => {
    work.reset();
    onClose();
  };
  return (
    <FormDialog
      open={open}
      title="Create organisation"
      description="You become its owner. This takes a few seconds: it gets a database schema of its own."
      submit="Create organisation"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={close}
    >
      <Input label="Name" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      <Input
        label="Slug"
        required
        pattern="[a-z0-9][a-z0-9\-]{1,38}[a-z0-9]"
        value={slug}
        onChange={(event) => setOwnSlug(event.target.value)}
        description={`Stands in addresses: ${window.location.host}/o/${slug === "" ? "…" : slug}. 3–40 letters a–z, digits and single hyphens.`}
      />
    </FormDialog>
  );
}

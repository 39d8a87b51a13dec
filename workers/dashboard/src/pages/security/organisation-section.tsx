import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { meKey } from "../../api/auth.ts";
import { deleteOrg, getUsage, renameOrg, type Usage, usageKey } from "../../api/lifecycle.ts";
import { Fact } from "../../components/fact.tsx";
import { FormDialog } from "../../components/form-dialog.tsx";
import { NameDialog } from "../../components/name-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { formatDollars } from "../../format/money.ts";
import { formatBytes, formatNumber } from "../../format/numbers.ts";
import { formatInstant } from "../../format/time.ts";

/** What it is called, what the plan allows, and the end of it all. */
export function OrganisationSection() {
  const { org, role, may } = useOrg();
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const close = (): void => setOpen(null);
  const query = useQuery({ queryKey: usageKey(org.id), queryFn: ({ signal }) => getUsage(org.id, signal) });
  return (
    <Section
      title="Organisation"
      lead="How much of its plan it uses. Owners change it on the page Billing."
      actions={
        <>
          {may("org:update") && <Button onClick={() => setOpen("rename")}>Rename organisation</Button>}
          {role === "owner" && (
            <Button variant="destructive" onClick={() => setOpen("delete")}>
              Delete organisation
            </Button>
          )}
        </>
      }
    >
      <QueryView query={query} label="Loading what is used" rows={3}>
        {query.data !== undefined && <Use usage={query.data} />}
      </QueryView>
      {open === "rename" && <RenameDialog onClose={close} />}
      {open === "delete" && <DeleteDialog onClose={close} />}
    </Section>
  );
}

function Use({ usage }: { readonly usage: Usage }) {
  const { plan, devices, members, storage_bytes: storage, messages_a_day: messages, llm_micros_a_month: llm } = usage;
  return (
    <dl>
      <Fact term="Plan">{plan}</Fact>
      <Fact term="Devices">
        {formatNumber(devices.used)} of {formatNumber(devices.limit)}
      </Fact>
      <Fact term="Members">
        {formatNumber(members.used)} of {formatNumber(members.limit)}
      </Fact>
      <Fact term="Storage">
        {formatBytes(storage.used)} of {formatBytes(storage.limit)}
      </Fact>
      <Fact term="Language models this month">
        {formatDollars(llm.used)} of {formatDollars(llm.limit)}
      </Fact>
      <Fact term="Messages today">
        {formatNumber(messages.used)} of {formatNumber(messages.limit)}, until{" "}
        {formatInstant(messages.resets_at)?.local ?? "midnight UTC"}
        {messages.used >= messages.limit && ". Devices keep what they measure and send it then."}
      </Fact>
    </dl>
  );
}

function RenameDialog({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: (name: string) => renameOrg(org.id, name),
    onSuccess: async () => {
      onClose();
      // Every page takes the name from there.
      await client.invalidateQueries({ queryKey: meKey });
    },
  });
  return (
    <NameDialog
      title="Rename organisation"
      description={`Addresses and enrolment codes keep “${org.slug}”.`}
      submit="Rename"
      suggested={org.name}
      lengthMax={200}
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}

/** The slug is typed, so that nobody deletes the organisation that happened to be open. */
function DeleteDialog({ onClose }: { readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [slug, setSlug] = useState("");
  const work = useMutation({
    mutationFn: () => deleteOrg(org.id, slug),
    // What `/me` says of it now takes the place of every page of it.
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
  return (
    <FormDialog
      open
      title={`Delete ${org.name}?`}
      description="It is shut at once: nobody signs in to it, no device connects. For 30 days every owner can take that back. Then everything that it holds is erased, and nobody can bring it back."
      submit="Delete organisation"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Input
        label={`Type ${org.slug} to delete it`}
        value={slug}
        autoComplete="off"
        spellCheck={false}
        required
        onChange={(event) => setSlug(event.target.value)}
      />
    </FormDialog>
  );
}

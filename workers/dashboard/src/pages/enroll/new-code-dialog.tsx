import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createEnrollmentCode, enrollmentCodesKey } from "../../api/devices.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { AgentSteps, CodeField } from "./agent-steps.tsx";

const lifetimes = { "3600": "1 hour", "86400": "1 day", "604800": "7 days" } as const;

/** A code for several machines, with a name, a life and a number of uses. */
export function NewCodeDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [seconds, setSeconds] = useState<string>("86400");
  const [uses, setUses] = useState("10");
  const work = useMutation({
    mutationFn: (key: string) =>
      createEnrollmentCode(
        org.id,
        { name: name.trim(), expires_in_seconds: Number(seconds), max_uses: Number(uses) },
        key,
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: enrollmentCodesKey(org.id) }),
  });
  const close = (): void => {
    work.reset();
    setName("");
    onClose();
  };
  if (work.data !== undefined) {
    return (
      <Dialog.Root open={open} onOpenChange={(next) => !next && close()}>
        <Dialog size="lg" className="grid gap-4 p-6">
          <Dialog.Title className="text-lg font-semibold">Your new code</Dialog.Title>
          <Dialog.Description className="-mt-2 text-kumo-subtle">
            It is shown this once. Do this on each machine:
          </Dialog.Description>
          <AgentSteps code={<CodeField code={work.data.code} />} />
          <div className="flex justify-end">
            <Button variant="primary" onClick={close}>
              Done
            </Button>
          </div>
        </Dialog>
      </Dialog.Root>
    );
  }
  return (
    <FormDialog
      open={open}
      title="New enrolment code"
      submit="Make code"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={close}
    >
      <Input
        label="Name"
        required
        maxLength={100}
        placeholder="Physics lab"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Select
        label="Valid for"
        value={seconds}
        onValueChange={(value) => value !== null && setSeconds(value)}
        items={lifetimes}
      />
      <Input
        label="Devices"
        type="number"
        inputMode="numeric"
        required
        min={1}
        max={1000}
        value={uses}
        onChange={(event) => setUses(event.target.value)}
      />
    </FormDialog>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import type { FormEvent, ReactNode } from "react";
import { FormFailure } from "./states.tsx";

/** A small form over the page: fields, what went wrong, and the two ways out. */
export function FormDialog(props: {
  readonly open: boolean;
  readonly title: string;
  readonly description?: ReactNode;
  readonly submit: string;
  readonly pending: boolean;
  readonly error: unknown;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!props.pending) props.onSubmit();
  };
  return (
    // What is under way may be waiting for the person's proof in a dialog of its own, whose clicks are outside this one.
    <Dialog.Root open={props.open} onOpenChange={(open) => !open && !props.pending && props.onClose()}>
      <Dialog size="lg" className="max-h-[92dvh] overflow-y-auto p-6">
        <form onSubmit={submit} className="grid gap-4">
          <Dialog.Title className="text-lg font-semibold [overflow-wrap:anywhere]">{props.title}</Dialog.Title>
          {props.description !== undefined && (
            <Dialog.Description className="-mt-2 text-kumo-subtle">{props.description}</Dialog.Description>
          )}
          {props.children}
          <FormFailure error={props.error} />
          <div className="flex justify-end gap-2">
            <Button type="button" disabled={props.pending} onClick={props.onClose}>
              Cancel
            </Button>
            <Button type="submit" variant="primary" loading={props.pending}>
              {props.submit}
            </Button>
          </div>
        </form>
      </Dialog>
    </Dialog.Root>
  );
}

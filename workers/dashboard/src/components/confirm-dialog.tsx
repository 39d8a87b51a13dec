import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { FormFailure } from "./states.tsx";

/** Asks before something that can't be taken back. Focus stays inside; Escape and "Cancel" do nothing. */
export function ConfirmDialog(props: {
  readonly open: boolean;
  readonly title: string;
  readonly children: ReactNode;
  readonly confirm: string;
  readonly destructive?: boolean;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const work = useMutation({ mutationFn: props.onConfirm, onSuccess: props.onClose });
  const change = (open: boolean): void => {
    if (open || work.isPending) return;
    work.reset();
    props.onClose();
  };
  return (
    <Dialog.Root role="alertdialog" open={props.open} onOpenChange={change}>
      <Dialog className="grid gap-4 p-6">
        <Dialog.Title className="text-lg font-semibold [overflow-wrap:anywhere]">{props.title}</Dialog.Title>
        <Dialog.Description render={<div />} className="grid gap-2 text-kumo-subtle">
          {props.children}
        </Dialog.Description>
        <FormFailure error={work.error} />
        <div className="flex justify-end gap-2">
          <Button disabled={work.isPending} onClick={() => change(false)}>
            Cancel
          </Button>
          <Button
            variant={props.destructive === true ? "destructive" : "primary"}
            loading={work.isPending}
            onClick={() => work.mutate()}
          >
            {props.confirm}
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  );
}

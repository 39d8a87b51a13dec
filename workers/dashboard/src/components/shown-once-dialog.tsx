import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import type { ReactNode } from "react";

/** Shows a secret that is in no other place. */
export function ShownOnceDialog(props: {
  readonly title: string;
  /** Where it is to be put. */
  readonly description: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  return (
    // Only its own button closes it: the secret is nowhere else.
    <Dialog.Root open disablePointerDismissal>
      <Dialog size="lg" className="grid gap-4 p-6">
        <Dialog.Title className="text-lg font-semibold [overflow-wrap:anywhere]">{props.title}</Dialog.Title>
        <Dialog.Description className="-mt-2 text-kumo-subtle">{props.description}</Dialog.Description>
        {props.children}
        <div className="flex justify-end">
          <Button variant="primary" onClick={props.onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    </Dialog.Root>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { Dialog } from "@cloudflare/kumo/components/dialog";
import { useMutation } from "@tanstack/react-query";
import { rotateDeviceToken } from "../../api/devices.ts";
import type { Device } from "../../api/schemas.ts";
import { CopyField } from "../../components/copy-field.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { FormFailure } from "../../components/states.tsx";

/** Asks, then shows the new token: it is in no other place, so the dialog stays until it is closed. */
export function RotateTokenDialog(props: {
  readonly device: Device;
  readonly open: boolean;
  readonly onClose: () => void;
}) {
  const { org } = useOrg();
  const work = useMutation({ mutationFn: () => rotateDeviceToken(org.id, props.device.id) });
  const close = (): void => {
    if (work.isPending) return;
    work.reset();
    props.onClose();
  };
  return (
    <Dialog.Root open={props.open} onOpenChange={(open) => !open && close()} disablePointerDismissal>
      <Dialog size="lg" className="grid gap-4 p-6">
        <Dialog.Title className="text-lg font-semibold">Rotate the token of {props.device.name}</Dialog.Title>
        <Dialog.Description className="text-kumo-subtle">
          {work.data === undefined
            ? "The device gets a new token. The old one stops working at once, and the device stays offline until it has the new one."
            : "This is the new token. It is shown this once; put it into the agent’s settings."}
        </Dialog.Description>
        {work.data !== undefined && <CopyField label="Token" text={work.data} />}
        <FormFailure error={work.error} />
        <div className="flex justify-end gap-2">
          {work.data === undefined ? (
            <>
              <Button disabled={work.isPending} onClick={close}>
                Cancel
              </Button>
              <Button variant="destructive" loading={work.isPending} onClick={() => work.mutate()}>
                Rotate token
              </Button>
            </>
          ) : (
            <Button variant="primary" onClick={close}>
              Done
            </Button>
          )}
        </div>
      </Dialog>
    </Dialog.Root>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { DropdownMenu } from "@cloudflare/kumo/components/dropdown";
import { ArrowsClockwiseIcon } from "@phosphor-icons/react/ArrowsClockwise";
import { CaretDownIcon } from "@phosphor-icons/react/CaretDown";
import { PencilSimpleIcon } from "@phosphor-icons/react/PencilSimple";
import { TrashIcon } from "@phosphor-icons/react/Trash";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { deviceKey, devicesKey, removeDevice } from "../../api/devices.ts";
import type { Device } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { RenameDialog } from "./rename-dialog.tsx";
import { RotateTokenDialog } from "./rotate-token-dialog.tsx";

type Asked = "rename" | "rotate" | "remove" | null;

/** What can be done to a device, each behind its own dialog. */
export function DeviceActions({ device }: { readonly device: Device }) {
  const { org, root } = useOrg();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked>(null);
  const close = (): void => setAsked(null);
  return (
    <>
      <DropdownMenu>
        <DropdownMenu.Trigger
          render={
            <Button>
              Manage <CaretDownIcon aria-hidden="true" />
            </Button>
          }
        />
        <DropdownMenu.Content align="end">
          <DropdownMenu.Item icon={PencilSimpleIcon} onClick={() => setAsked("rename")}>
            Rename
          </DropdownMenu.Item>
          <DropdownMenu.Item icon={ArrowsClockwiseIcon} onClick={() => setAsked("rotate")}>
            Rotate token
          </DropdownMenu.Item>
          <DropdownMenu.Separator />
          <DropdownMenu.Item icon={TrashIcon} variant="danger" onClick={() => setAsked("remove")}>
            Remove
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu>
      {asked === "rename" && <RenameDialog device={device} onClose={close} />}
      <RotateTokenDialog device={device} open={asked === "rotate"} onClose={close} />
      <ConfirmDialog
        open={asked === "remove"}
        title={`Remove ${device.name}?`}
        confirm="Remove device"
        destructive
        onClose={close}
        onConfirm={async () => {
          await removeDevice(org.id, device.id);
          await navigate(root, { replace: true });
          client.removeQueries({ queryKey: deviceKey(org.id, device.id) });
          await client.invalidateQueries({ queryKey: devicesKey(org.id) });
        }}
      >
        <p>Its connection is closed at once and its token stops working. To return, it must be enrolled again.</p>
      </ConfirmDialog>
    </>
  );
}

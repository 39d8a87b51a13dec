import { useMutation, useQueryClient } from "@tanstack/react-query";
import { deviceKey, devicesKey, renameDevice } from "../../api/devices.ts";
import type { Device } from "../../api/schemas.ts";
import { NameDialog } from "../../components/name-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";

export function RenameDialog({ device, onClose }: { readonly device: Device; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: (name: string) => renameDevice(org.id, device.id, name),
    onSuccess: async (renamed) => {
      client.setQueryData(deviceKey(org.id, device.id), renamed);
      onClose();
      await client.invalidateQueries({ queryKey: devicesKey(org.id) });
    },
  });
  return (
    <NameDialog
      title="Rename device"
      submit="Rename"
      suggested={device.name}
      pending={work.isPending}
      error={work.error}
      onName={work.mutate}
      onClose={onClose}
    />
  );
}

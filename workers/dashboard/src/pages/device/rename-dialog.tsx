import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { deviceKey, devicesKey, renameDevice } from "../../api/devices.ts";
import type { Device } from "../../api/schemas.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";

export function RenameDialog({ device, onClose }: { readonly device: Device; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState(device.name);
  const work = useMutation({
    mutationFn: () => renameDevice(org.id, device.id, name.trim()),
    onSuccess: async (renamed) => {
      client.setQueryData(deviceKey(org.id, device.id), renamed);
      onClose();
      await client.invalidateQueries({ queryKey: devicesKey(org.id) });
    },
  });
  return (
    <FormDialog
      open
      title="Rename device"
      submit="Rename"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <Input label="Name" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
    </FormDialog>
  );
}

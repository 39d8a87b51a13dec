import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { enrollmentCodePerMinute, rolloutPerMinuteMax } from "../../../../../core/limits.ts";
import { enrollmentCodesKey, openRollout } from "../../api/devices.ts";
import type { EnrollmentCode } from "../../api/schemas.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";

const durations = { "15": "15 minutes", "60": "1 hour", "240": "4 hours", "1440": "1 day" } as const;

/** Lets a whole room's machines enrol at once, for a while. @param code null: closed */
export function RolloutDialog({
  code,
  onClose,
}: {
  readonly code: EnrollmentCode | null;
  readonly onClose: () => void;
}) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [perMinute, setPerMinute] = useState(String(rolloutPerMinuteMax));
  const [minutes, setMinutes] = useState<string>("60");
  const work = useMutation({
    mutationFn: (id: string) => openRollout(org.id, id, { per_minute: Number(perMinute), minutes: Number(minutes) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: enrollmentCodesKey(org.id) });
      close();
    },
  });
  const close = (): void => {
    work.reset();
    onClose();
  };
  return (
    <FormDialog
      open={code !== null}
      title="Roll out many devices"
      submit="Start roll-out"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => code !== null && work.mutate(code.id)}
      onClose={close}
    >
      <p className="text-kumo-subtle">
        {`Usually ${enrollmentCodePerMinute} devices a minute enrol with one code. For “${code?.name ?? ""}” there may be more for a while; then it ends by itself.`}
      </p>
      <Input
        label="Devices a minute"
        type="number"
        inputMode="numeric"
        required
        min={1}
        max={rolloutPerMinuteMax}
        value={perMinute}
        onChange={(event) => setPerMinute(event.target.value)}
      />
      <Select
        label="For"
        value={minutes}
        onValueChange={(value) => value !== null && setMinutes(value)}
        items={durations}
      />
    </FormDialog>
  );
}

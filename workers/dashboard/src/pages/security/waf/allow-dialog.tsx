import { Input } from "@cloudflare/kumo/components/input";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { allowWaf, type WafDecision, wafKey } from "../../../api/waf.ts";
import { FormDialog } from "../../../components/form-dialog.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { endOfDay, suggestedDay } from "../../../format/day.ts";

/** The narrowest exemption that lets such requests pass, and until when. */
export function AllowDialog({ decision, onClose }: { readonly decision: WafDecision; readonly onClose: () => void }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [day, setDay] = useState(suggestedDay(Date.now()));
  const items = decision.allow ?? [];
  const work = useMutation({
    mutationFn: () => allowWaf(org.id, { endpoint: decision.endpoint, items, until: endOfDay(day) ?? day }),
    onSuccess: (saved) => {
      client.setQueryData(wafKey(org.id), saved);
      onClose();
    },
  });
  return (
    <FormDialog
      open
      title="Allow this"
      description="Within a minute requests like this one pass. Everything else about them is judged as before."
      submit="Allow it"
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate()}
      onClose={onClose}
    >
      <ul className="list-disc pl-5 text-sm">
        {items.map(({ rule, field }) => (
          <li key={`${rule} ${field}`}>
            <span className="font-mono text-xs">{field}</span> of{" "}
            <span className="font-mono text-xs">{decision.endpoint}</span> may have signs of{" "}
            <span className="font-mono text-xs">{rule}</span>
          </li>
        ))}
      </ul>
      <Input
        label="Until the end of"
        type="date"
        required
        value={day}
        onChange={(event) => setDay(event.target.value)}
        description="At most 92 days"
      />
    </FormDialog>
  );
}

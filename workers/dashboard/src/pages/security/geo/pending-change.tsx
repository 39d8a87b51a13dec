import { Button } from "@cloudflare/kumo/components/button";
import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { confirmGeo, geoKey } from "../../../api/geo.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { formatDuration, secondsLeft } from "../../../format/countdown.ts";

/** A change that goes back by itself: how long there is left to keep it. */
export function PendingChange({ revertsAt }: { readonly revertsAt: string }) {
  const { org, may } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const [now, setNow] = useState(Date.now());
  const left = secondsLeft(Date.parse(revertsAt), now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left === 0) void client.invalidateQueries({ queryKey: geoKey(org.id), exact: true });
  }, [left, client, org.id]);
  const keep = useMutation({
    mutationFn: () => confirmGeo(org.id),
    onSuccess: (saved) => {
      toasts.add({ title: "The change stays", variant: "success" });
      client.setQueryData(geoKey(org.id), saved);
    },
  });
  return (
    <div role="status" className="mb-4 grid gap-3 rounded-lg bg-kumo-warning-tint p-4 ring ring-kumo-warning/40">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p>
          <strong>These rules are on trial.</strong> They go back in {formatDuration(left)} unless you keep them.
        </p>
        {may("policies:manage") && (
          <Button variant="primary" loading={keep.isPending} disabled={left === 0} onClick={() => keep.mutate()}>
            Keep them
          </Button>
        )}
      </div>
      <FormFailure error={keep.error} />
    </div>
  );
}

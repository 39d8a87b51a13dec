import { Button } from "@cloudflare/kumo/components/button";
import { useMutation } from "@tanstack/react-query";
import { testAuditStream } from "../../../api/audit-stream.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { testText } from "./stream-state.ts";

/** One message to the destination, now, and what it says to that. */
export function StreamTestButton() {
  const { org } = useOrg();
  const test = useMutation({ mutationFn: () => testAuditStream(org.id) });
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Button size="sm" loading={test.isPending} onClick={() => test.mutate()}>
        Send a test message
      </Button>
      <p role="status" className="text-sm">
        {test.data !== undefined && !test.isPending && testText(test.data)}
      </p>
      <FormFailure error={test.error} />
    </div>
  );
}

import { Badge } from "@cloudflare/kumo/components/badge";
import { useQuery } from "@tanstack/react-query";
import { readAuditStatus } from "../../api/audit.ts";
import { Timestamp } from "../../components/timestamp.tsx";
import { isLate } from "./signed.ts";

/** As often as there can be a new checkpoint, in milliseconds. */
const refetchMs = 60_000;

/** Up to where the log is signed. It is the server's word: whoever wants to know verifies (docs/audit-proofs.md). */
export function SignedState({ org }: { readonly org: string }) {
  const { data } = useQuery({
    queryKey: ["audit-status", org],
    queryFn: ({ signal }) => readAuditStatus(org, signal),
    refetchInterval: refetchMs,
  });
  if (data === undefined) return null;
  const { checkpoint } = data;
  const late = checkpoint !== null && isLate(checkpoint.pending_since, Date.now());
  return (
    <p className="mb-3 flex flex-wrap items-center gap-2 text-sm text-kumo-subtle" aria-live="polite">
      {checkpoint === null ? (
        "The first entries are signed within a minute."
      ) : (
        <>
          <Badge variant={late ? "error" : "success"}>{late ? "Not signed" : "Signed"}</Badge>
          <span>
            Up to no. <span className="tabular">{checkpoint.size}</span>, <Timestamp at={checkpoint.signed_at} />
            {late && ". Newer entries wait for a signature for longer than they should: have the log verified."}
          </span>
        </>
      )}
    </p>
  );
}

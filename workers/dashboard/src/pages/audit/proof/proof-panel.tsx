import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { ShieldCheckIcon } from "@phosphor-icons/react/ShieldCheck";
import { WarningOctagonIcon } from "@phosphor-icons/react/WarningOctagon";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { EntryVerdict } from "../../../../../../core/audit/entry-proof.ts";
import type { AuditEntry } from "../../../api/schemas.ts";
import { useOrg } from "../../../components/org-context.tsx";
import { Failure } from "../../../components/states.tsx";
import { distrust, verifyEntry } from "./verify-entry.ts";

/** Checks one entry here in the browser when it is asked to: each proof that is fetched is a read on record. */
export function ProofPanel({ entry }: { readonly entry: AuditEntry }) {
  const { org } = useOrg();
  const [asked, setAsked] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["audit-proof", org.id, entry.seq],
    queryFn: ({ signal }) => verifyEntry(org.id, entry, signal),
    enabled: asked,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (!asked || (data === undefined && isFetching)) {
    return (
      <Button size="sm" icon={ShieldCheckIcon} loading={isFetching} onClick={() => setAsked(true)}>
        Verify in this browser
      </Button>
    );
  }
  if (data === undefined) return <Failure error={error} onRetry={() => void refetch()} />;
  return data.kind === "proved" ? <Proved verdict={data} /> : <NotProved why={distrust[data.why]} />;
}

function Proved({ verdict }: { readonly verdict: Extract<EntryVerdict, { kind: "proved" }> }) {
  const { head, note, committed } = verdict;
  const witnesses = note.signatures.slice(1).map(({ name }) => name);
  return (
    <div role="status" className="grid gap-1 text-xs">
      <p>
        <Badge variant="success">Verified</Badge>
      </p>
      <p>
        It is in the log of <span className="tabular">{head.size}</span> entries that {head.origin} signed, word for
        word.
        {witnesses.length > 0 && ` ${witnesses.join(", ")} stands under it as well.`}
      </p>
      {committed.length > 0 && (
        <p className="text-kumo-subtle">
          Signed as commitments, so that people can be erased; their values are shown on the server’s word:{" "}
          {committed.join(", ")}.
        </p>
      )}
    </div>
  );
}

function NotProved({ why }: { readonly why: string }) {
  return (
    <div role="alert" className="flex gap-2 rounded-lg bg-kumo-danger-tint p-3 text-xs ring ring-kumo-danger/30">
      <WarningOctagonIcon aria-hidden="true" className="size-5 shrink-0 text-kumo-danger" />
      <div className="grid gap-1">
        <p className="font-semibold text-kumo-danger">Not what was signed</p>
        <p>{why} Keep what you see, and have the whole log verified (docs/audit-proofs.md).</p>
      </div>
    </div>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { roleNames } from "../../access.ts";
import { type Document, grantedRoles, listShares, removeShare, type Share, sharesKey } from "../../api/documents.ts";
import { groupsKey, listGroups } from "../../api/groups.ts";
import { usePages } from "../../api/pages.ts";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { usePeople } from "../documents/use-people.ts";
import { ShareDialog } from "./share-dialog.tsx";

/** With whom it is shared, until when, and a way to change that. */
export function Sharing({ document }: { readonly document: Document }) {
  const { org } = useOrg();
  const client = useQueryClient();
  const [sharing, setSharing] = useState(false);
  const nameOf = useGranteeName();
  const now = useNow();
  const key = sharesKey(org.id, document.id);
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => listShares(org.id, document.id, signal) });
  const stop = useMutation({
    mutationFn: (share: Share) => removeShare(org.id, document.id, share.id),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  return (
    <Section
      title="Sharing"
      lead="Owners and admins see every document. Others see their own, and what is shared with them."
      actions={
        <Button size="sm" onClick={() => setSharing(true)}>
          Share
        </Button>
      }
    >
      <FormFailure error={stop.error} />
      <QueryView query={query} label="Loading shares" rows={2}>
        {query.data?.length === 0 && <p className="text-kumo-subtle">With nobody yet.</p>}
        <ul>
          {(query.data ?? []).map((share) => (
            <Row
              key={share.id}
              actions={
                <Button
                  size="sm"
                  variant="secondary-destructive"
                  disabled={stop.isPending}
                  aria-label={`Stop sharing with ${nameOf(share)}`}
                  onClick={() => stop.mutate(share)}
                >
                  Stop
                </Button>
              }
            >
              <p className="font-medium break-words">{nameOf(share)}</p>
              <p className="text-xs text-kumo-subtle">
                {share.until === null ? (
                  "Until it is taken back"
                ) : (
                  <>
                    {Date.parse(share.until) <= now ? "Ended " : "Ends "}
                    <Timestamp at={share.until} relative />
                  </>
                )}
              </p>
            </Row>
          ))}
        </ul>
      </QueryView>
      {sharing && <ShareDialog document={document} onClose={() => setSharing(false)} />}
    </Section>
  );
}

function useGranteeName(): (share: Share) => string {
  const { org } = useOrg();
  const { nameOf } = usePeople();
  const groups = usePages(groupsKey(org.id), (cursor, signal) => listGroups(org.id, cursor, signal));
  return ({ kind, grantee }) => {
    if (kind === "user") return nameOf(grantee);
    if (kind === "group") return groups.items.find(({ id }) => id === grantee)?.name ?? "A group";
    const role = grantedRoles.find((each) => each === grantee);
    return role === undefined ? grantee : `Everybody with the role ${roleNames[role].label}`;
  };
}

import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { meKey } from "../api/auth.ts";
import { getStanding, restoreOrg, standingKey } from "../api/lifecycle.ts";
import type { Me, Membership } from "../api/schemas.ts";
import { OtherOrganisations } from "./other-organisations.tsx";
import { PageHeader } from "./page-header.tsx";
import { PlainFrame } from "./plain-frame.tsx";
import { QueryView } from "./query-view.tsx";
import { FormFailure } from "./states.tsx";
import { Timestamp } from "./timestamp.tsx";

/** In the place of an organisation that is shut: what it is, and for owners of one that is to be deleted the way back. */
export function ShutWall(props: {
  readonly me: Me;
  readonly org: Membership;
  readonly state: "suspended" | "deleting";
}) {
  const { me, org, state } = props;
  const suspended = state === "suspended";
  return (
    <PlainFrame user={me.user}>
      <PageHeader
        title={suspended ? `${org.name} is suspended` : `${org.name} is to be deleted`}
        lead={
          suspended
            ? "Whoever runs this Sentinel has shut it. Nothing is lost: everything is there again when it is opened."
            : "Nobody and nothing gets in any more. Nothing is gone yet."
        }
      />
      {!suspended && (org.role === "owner" ? <WayBack org={org} /> : <p>One of its owners can take that back.</p>)}
      <OtherOrganisations me={me} />
    </PlainFrame>
  );
}

function WayBack({ org }: { readonly org: Membership }) {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: standingKey(org.id),
    queryFn: ({ signal }) => getStanding(org.id, signal),
  });
  const work = useMutation({
    mutationFn: () => restoreOrg(org.id),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
  return (
    <QueryView query={query} label="Loading when it is due" rows={2}>
      <div className="grid justify-items-start gap-4 rounded-xl bg-kumo-base p-5 ring ring-kumo-hairline">
        <p>
          After <Timestamp at={query.data?.delete_after ?? null} /> everything that it holds is erased: devices,
          telemetry, members and keys. Its audit log is kept. Until then you can take that back.
        </p>
        <FormFailure error={work.error} />
        <Button variant="primary" loading={work.isPending} onClick={() => work.mutate()}>
          Take the deletion back
        </Button>
      </div>
    </QueryView>
  );
}

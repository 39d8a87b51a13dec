import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { mayDecide } from "../../../../../core/exports/approval.ts";
import type { Destination, Export } from "../../api/exports.ts";
import { cancelExport, decideExport, exportsKey } from "../../api/exports.ts";
import { useOrg } from "../../components/org-context.tsx";
import { Row } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatBytes, formatNumber } from "../../format/numbers.ts";
import { saveExport } from "./download.ts";
import { addressOf, countOf, destinationName, failureText, formatNames, sourceNames } from "./words.ts";

type Deed = "download" | "cancel" | "approve" | "reject";

/** One export: what, where to, how far, and what can be done with it. */
export function ExportRow(props: {
  readonly item: Export;
  readonly destinations: readonly Destination[];
  readonly nameOf: (user: string) => string;
}) {
  const { item } = props;
  const { org, user, role, may } = useOrg();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: (deed: Deed) => {
      if (deed === "download") return saveExport(org.id, item.id);
      return deed === "cancel" ? cancelExport(org.id, item.id) : decideExport(org.id, item.id, deed);
    },
    // What somebody else did meanwhile is worth seeing after a refusal, too.
    onSettled: () => client.invalidateQueries({ queryKey: exportsKey(org.id) }),
  });
  const mine = item.requested_by === user.id;
  const destination = props.destinations.find(({ id }) => id === item.destination.id);
  const name = `${sourceNames[item.source]} as ${formatNames[item.format]}`;
  const asked = { user: item.requested_by, role: item.requested_role };
  const decides = mayDecide({ user: user.id, role }, asked);
  const deeds = deedsOf(item, mine, decides, may("exports:make"));
  return (
    <Row
      actions={deeds.map((deed) => (
        <Button
          key={deed}
          size="sm"
          variant={deed === "approve" || deed === "download" ? "primary" : "secondary"}
          loading={work.isPending && work.variables === deed}
          disabled={work.isPending}
          aria-label={`${deedNames[deed]}: ${name}`}
          onClick={() => work.mutate(deed)}
        >
          {deedNames[deed]}
        </Button>
      ))}
    >
      <div className="grid gap-1">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium">{name}</span>
          <StateBadge item={item} />
        </p>
        <p className="text-sm text-kumo-subtle">
          {props.nameOf(item.requested_by)}, <Timestamp at={item.created_at} relative />,{" "}
          {item.destination.kind === "download"
            ? "for download"
            : `to ${item.place ?? destinationName(item, props.destinations)}`}
        </p>
        <Progress item={item} name={name} />
        {item.state === "waiting_approval" && destination !== undefined && (
          // Whoever agrees agrees to this place, whatever somebody calls it.
          <p className="font-mono text-[13px] break-all text-kumo-subtle">{addressOf(destination)}</p>
        )}
        {item.state === "done" && item.destination.kind === "download" && item.expires_at !== null && (
          <p className="text-sm text-kumo-subtle">
            Kept until <Timestamp at={item.expires_at} />
          </p>
        )}
        <FormFailure error={work.error} />
      </div>
    </Row>
  );
}

const deedNames: Readonly<Record<Deed, string>> = {
  download: "Download",
  cancel: "Cancel",
  approve: "Agree",
  reject: "Refuse",
};

/** Only whoever asked may fetch it; only somebody else may agree to it. */
function deedsOf(item: Export, mine: boolean, decides: boolean, makes: boolean): readonly Deed[] {
  switch (item.state) {
    case "done":
      return mine && item.destination.kind === "download" ? ["download"] : [];
    case "waiting_approval":
      return mine ? ["cancel"] : decides ? ["approve", "reject"] : [];
    case "queued":
    case "running":
    case "delivering":
      return makes ? ["cancel"] : [];
    case "failed":
    case "cancelled":
    case "expired":
      return [];
  }
}

function StateBadge({ item }: { readonly item: Export }) {
  switch (item.state) {
    case "waiting_approval":
      return <Badge variant="warning">Waits for a second administrator</Badge>;
    case "queued":
      return <Badge variant="secondary">In the queue</Badge>;
    case "running":
      return <Badge variant="info">Under way</Badge>;
    case "delivering":
      return <Badge variant="info">On its way</Badge>;
    case "done":
      return <Badge variant="success">Done</Badge>;
    case "failed":
      return <Badge variant="error">Failed</Badge>;
    case "cancelled":
      return <Badge variant="secondary">Cancelled</Badge>;
    case "expired":
      return <Badge variant="secondary">Deleted</Badge>;
  }
}

/** How far it is, in rows and as a bar; of what is made, how much; of what is over, what came of it. */
function Progress({ item, name }: { readonly item: Export; readonly name: string }) {
  const { state, rows, rows_expected: expected, bytes, bytes_expected: bytesExpected, percent } = item;
  if (state === "failed") return <p className="text-sm text-kumo-danger">{failureText(item.failure)}</p>;
  if (state === "done" || state === "expired")
    return (
      <p className="text-sm text-kumo-subtle">
        {countOf(item, rows)}, {formatBytes(bytes)}
      </p>
    );
  if (state === "waiting_approval") return <p className="text-sm">{countOf(item, expected)}</p>;
  if (state === "cancelled") return null;
  if (state === "delivering")
    return (
      <p className="text-sm text-kumo-subtle">
        Made: {countOf(item, rows)}, {formatBytes(bytes)}
        {item.attempts > 0 && ". The destination has not taken it yet; it is tried again for about an hour"}
      </p>
    );
  return (
    <div className="grid max-w-md gap-1">
      <div
        role="progressbar"
        aria-label={name}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-2 overflow-hidden rounded-full bg-kumo-fill"
      >
        <div className="h-full bg-(--chart-1)" style={{ width: `${percent}%` }} />
      </div>
      <p className="text-sm text-kumo-subtle">
        {percent} %, {formatNumber(rows)} of {countOf(item, expected)}
        {bytesExpected !== null && `, ${formatBytes(Math.min(bytes, bytesExpected))} of ${formatBytes(bytesExpected)}`}
      </p>
    </div>
  );
}

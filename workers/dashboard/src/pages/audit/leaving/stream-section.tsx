import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  type AuditStream,
  auditStreamKey,
  getAuditStream,
  removeAuditStream,
  resumeAuditStream,
  rotateStreamSecret,
} from "../../../api/audit-stream.ts";
import { ConfirmDialog } from "../../../components/confirm-dialog.tsx";
import { CopyField } from "../../../components/copy-field.tsx";
import { useOrg } from "../../../components/org-context.tsx";
import { QueryView } from "../../../components/query-view.tsx";
import { Section } from "../../../components/section.tsx";
import { ShownOnceDialog } from "../../../components/shown-once-dialog.tsx";
import { FormFailure } from "../../../components/states.tsx";
import { Timestamp } from "../../../components/timestamp.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { StreamDialog } from "./stream-dialog.tsx";
import { failureText, standingOf } from "./stream-state.ts";
import { StreamTestButton } from "./stream-test.tsx";

/** As often as it is sent, in milliseconds. */
const refetchMs = 60_000;

type Open = "settings" | "removing" | "rotating" | null;

/** Where the log goes besides here, and how it fares there. For those who may change it: the address may hold a token. */
export function StreamSection() {
  const { org } = useOrg();
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const key = auditStreamKey(org.id);
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => getAuditStream(org.id, signal),
    refetchInterval: refetchMs,
  });
  const look = () => client.invalidateQueries({ queryKey: key });
  const stream = query.data ?? null;
  return (
    <Section
      title="Stream to a SIEM"
      lead="Every entry, signed and in order, to a system of your own. What is not taken is sent again."
      actions={
        <>
          {stream !== null && (
            <>
              <Button onClick={() => setOpen("rotating")}>New secret</Button>
              <Button variant="secondary-destructive" onClick={() => setOpen("removing")}>
                Stop streaming
              </Button>
            </>
          )}
          <Button onClick={() => setOpen("settings")}>{stream === null ? "Set up" : "Change"}</Button>
        </>
      }
    >
      <QueryView query={query} label="Loading the stream" rows={1}>
        {stream === null ? (
          <p className="text-kumo-subtle">The log is streamed nowhere.</p>
        ) : (
          <StreamState stream={stream} onChanged={look} />
        )}
      </QueryView>
      {open === "settings" && (
        <StreamDialog
          stream={stream}
          onSaved={async (made) => {
            setOpen(null);
            setSecret(made);
            await look();
          }}
          onClose={() => setOpen(null)}
        />
      )}
      <ConfirmDialog
        open={open === "rotating"}
        title="Make a new secret?"
        confirm="Make secret"
        onClose={() => setOpen(null)}
        onConfirm={async () => {
          setSecret(await rotateStreamSecret(org.id, crypto.randomUUID()));
          await look();
        }}
      >
        <p>Messages are signed under both for a day, so that your system can take the new one meanwhile.</p>
      </ConfirmDialog>
      <ConfirmDialog
        open={open === "removing"}
        title="Stop streaming the audit log?"
        confirm="Stop streaming"
        destructive
        onClose={() => setOpen(null)}
        onConfirm={async () => {
          await removeAuditStream(org.id);
          await look();
        }}
      >
        <p>What was put aside is forgotten; the log keeps its entries.</p>
      </ConfirmDialog>
      {secret !== null && (
        <ShownOnceDialog
          title="The secret that signs"
          description="It is shown this once. Your system checks the header webhook-signature with it (Standard Webhooks)."
          onClose={() => setSecret(null)}
        >
          <CopyField label="Secret" text={secret} />
        </ShownOnceDialog>
      )}
    </Section>
  );
}

function StreamState({ stream, onChanged }: { readonly stream: AuditStream; readonly onChanged: () => Promise<void> }) {
  const { org } = useOrg();
  const resume = useMutation({ mutationFn: () => resumeAuditStream(org.id), onSuccess: onChanged });
  const standing = standingOf(stream);
  return (
    <div className="grid gap-2">
      <p className="flex flex-wrap items-center gap-2">
        {standing === "new" && <Badge variant="secondary">Nothing sent yet</Badge>}
        {standing === "sending" && <Badge variant="success">Sending</Badge>}
        {standing === "failing" && <Badge variant="warning">Failing</Badge>}
        {standing === "stopped" && <Badge variant="error">Stopped</Badge>}
        <span className="font-mono text-xs break-all">{stream.url}</span>
      </p>
      <p className="text-sm text-kumo-subtle">
        Sent up to no. <span className="tabular">{stream.delivered_seq}</span>
        {stream.delivered_at !== null && (
          <>
            , last <Timestamp at={stream.delivered_at} relative />
          </>
        )}
      </p>
      {stream.failing_since !== null && (
        <p role="status" className="text-sm">
          Since <Timestamp at={stream.failing_since} />: {failureText(stream.failure ?? "", stream.status)}.{" "}
          {stream.next_at !== null && (
            <>
              Tried again <Timestamp at={stream.next_at} relative />.
            </>
          )}
        </p>
      )}
      {stream.state !== "sending" && (
        <div>
          <Button size="sm" loading={resume.isPending} onClick={() => resume.mutate()}>
            Try now
          </Button>
        </div>
      )}
      <StreamTestButton />
      {stream.previous_secret_until !== null && (
        <p className="text-sm text-kumo-subtle">
          The secret before is good until <Timestamp at={stream.previous_secret_until} />.
        </p>
      )}
      <FormFailure error={resume.error} />
      <DeadLetters letters={stream.dead_letters} total={stream.dead_letters_total} onChanged={onChanged} />
    </div>
  );
}

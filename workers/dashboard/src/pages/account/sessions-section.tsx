import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { DeviceMobileIcon } from "@phosphor-icons/react/DeviceMobile";
import { LaptopIcon } from "@phosphor-icons/react/Laptop";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { endOtherSessions, endSession, listSessions, sessionsKey } from "../../api/account.ts";
import { usePages } from "../../api/pages.ts";
import type { Session } from "../../api/schemas.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { LoadMore, QueryView } from "../../components/query-view.tsx";
import { Row, Section } from "../../components/section.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { describeUserAgent, isHandheld } from "../../format/user-agent.ts";

/** Every place where this person is signed in. */
export function SessionsSection() {
  const client = useQueryClient();
  const [ending, setEnding] = useState<Session | "others" | null>(null);
  const { query, items } = usePages(sessionsKey, listSessions);
  const others = items.some(({ current }) => !current);
  return (
    <Section
      title="Sessions"
      lead="Where you are signed in. End what you don’t know, and change your password then."
      actions={
        others ? (
          <Button variant="secondary-destructive" onClick={() => setEnding("others")}>
            End all others
          </Button>
        ) : undefined
      }
    >
      <QueryView query={query} label="Loading sessions" rows={2}>
        <ul aria-label="Sessions">
          {items.map((session) => (
            <SessionRow key={session.id} session={session} onEnd={() => setEnding(session)} />
          ))}
        </ul>
        <LoadMore query={query} />
      </QueryView>
      <ConfirmDialog
        open={ending !== null}
        title={ending === "others" ? "End all other sessions?" : "End this session?"}
        confirm={ending === "others" ? "End them" : "End session"}
        destructive
        onClose={() => setEnding(null)}
        onConfirm={async () => {
          if (ending === "others") await endOtherSessions();
          else if (ending !== null) await endSession(ending.id);
          await client.invalidateQueries({ queryKey: sessionsKey });
        }}
      >
        <p>
          {ending === "others" || ending === null
            ? "Every other browser and program that is signed in as you has to sign in again."
            : `${describeUserAgent(ending.user_agent)} at ${ending.ip} has to sign in again.`}
        </p>
      </ConfirmDialog>
    </Section>
  );
}

function SessionRow({ session, onEnd }: { readonly session: Session; readonly onEnd: () => void }) {
  const device = describeUserAgent(session.user_agent);
  const Icon = isHandheld(session.user_agent) ? DeviceMobileIcon : LaptopIcon;
  return (
    <Row
      icon={<Icon className="size-5" />}
      actions={
        session.current ? undefined : (
          <Button size="sm" onClick={onEnd} aria-label={`End the session of ${device} at ${session.ip}`}>
            End
          </Button>
        )
      }
    >
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium" title={session.user_agent}>
        {device}
        {session.current && <Badge variant="success">This one</Badge>}
      </p>
      <p className="text-sm break-words text-kumo-subtle">
        {session.ip} · signed in <Timestamp at={session.created_at} relative /> · seen{" "}
        <Timestamp at={session.last_seen_at} relative />
      </p>
    </Row>
  );
}

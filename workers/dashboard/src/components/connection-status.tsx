import { Button } from "@cloudflare/kumo/components/button";
import { sentence } from "../format/sentence.ts";
import type { ConnectionState } from "../live/connection.ts";
import { useConnection } from "../live/provider.tsx";

const texts: Readonly<Record<ConnectionState["kind"], string>> = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Reconnecting",
  closed: "Not connected",
};
const dots: Readonly<Record<ConnectionState["kind"], string>> = {
  connecting: "bg-kumo-warning animate-pulse",
  live: "bg-kumo-success",
  waiting: "bg-kumo-warning",
  closed: "bg-kumo-danger",
};

/** Whether what is on screen follows the devices as it happens. */
export function ConnectionStatus() {
  const { state, retry } = useConnection();
  return (
    <div className="flex min-h-7 items-center gap-2 text-xs">
      <p role="status" aria-label="Live connection" className="flex items-center gap-2 text-kumo-subtle">
        <span aria-hidden="true" className={`size-2 rounded-full ${dots[state.kind]}`} />
        {texts[state.kind]}
      </p>
      {state.kind === "waiting" && (
        <Button size="xs" variant="ghost" onClick={retry}>
          Retry now
        </Button>
      )}
    </div>
  );
}

/** Why the server ended the connection, in its own words; nothing where it gave none, or all is well. */
export function ConnectionReason({ className = "" }: { readonly className?: string }) {
  const { state } = useConnection();
  const reason = state.kind === "waiting" ? state.reason : null;
  if (reason === null) return null;
  return (
    <p
      role="status"
      aria-label="Why the live connection ended"
      className={`text-xs wrap-anywhere text-kumo-subtle ${className}`}
    >
      {sentence(reason)}
    </p>
  );
}

import { Button } from "@cloudflare/kumo/components/button";
import { ClipboardTextIcon } from "@phosphor-icons/react/ClipboardText";
import { PulseIcon } from "@phosphor-icons/react/Pulse";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useCallback, useReducer } from "react";
import type { DeviceCommandName } from "../../../../../core/telemetry.ts";
import { commandsKey, recentCommands, sendCommand } from "../../api/devices.ts";
import type { Device } from "../../api/schemas.ts";
import { useOrg } from "../../components/org-context.tsx";
import { Failure, FormFailure } from "../../components/states.tsx";
import { useNow } from "../../components/timestamp.tsx";
import { useTopics } from "../../live/provider.tsx";
import { repliesOf } from "../../live/topics.ts";
import { CommandReplies } from "./command-replies.tsx";
import { commandLabels, commandLines, noCommands, parseReply, reduceCommands } from "./commands.ts";

/** While an answer is awaited, the API is asked too, in case the live connection missed it. */
const awaitReplyMs = 3_000;

const icons = { ping: PulseIcon, inventory: ClipboardTextIcon } as const;

/** Sends commands and shows the answers as they come. */
export function CommandPanel({ device }: { readonly device: Device }) {
  const { org, may } = useOrg();
  const now = useNow();
  const [state, dispatch] = useReducer(reduceCommands, noCommands);
  const hear = useCallback((_topic: string, payload: Uint8Array) => {
    const reply = parseReply(payload);
    if (reply !== null) dispatch({ kind: "heard", reply, atMs: performance.now() });
  }, []);
  useTopics([repliesOf(org.id, device.id)], hear);
  const awaited = state.sent.some(
    ({ id, reply, expires_at }) => reply === null && !state.heard.has(id) && Date.parse(expires_at) > now,
  );
  const listed = useQuery({
    queryKey: commandsKey(org.id, device.id),
    queryFn: ({ signal }) => recentCommands(org.id, device.id, signal),
    refetchInterval: awaited ? awaitReplyMs : false,
  });
  const send = useMutation({
    mutationFn: async (name: DeviceCommandName) => {
      const clickedAtMs = performance.now();
      const command = await sendCommand(org.id, device.id, name, crypto.randomUUID());
      dispatch({ kind: "sent", command, clickedAtMs });
    },
  });
  const lines = commandLines(state, listed.data ?? []);
  return (
    <section aria-labelledby="commands" className="min-w-0 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 id="commands" className="text-base font-semibold">
          Commands
        </h2>
        {may("devices:command") && (
          <div className="flex flex-wrap gap-2">
            {(["ping", "inventory"] as const).map((name) => (
              <Button
                key={name}
                icon={icons[name]}
                variant={name === "ping" ? "primary" : "secondary"}
                loading={send.isPending && send.variables === name}
                disabled={send.isPending}
                aria-description={commandLabels[name].hint}
                onClick={() => send.mutate(name)}
              >
                {commandLabels[name].button}
              </Button>
            ))}
          </div>
        )}
      </div>
      {!device.online && may("devices:command") && (
        <p className="mb-3 text-sm text-kumo-subtle">The device is offline. A command waits for it until it expires.</p>
      )}
      <div className="grid gap-3">
        <FormFailure error={send.error} />
        {listed.error !== null && lines.length === 0 && (
          <Failure error={listed.error} onRetry={() => void listed.refetch()} />
        )}
        <CommandReplies lines={lines} loading={listed.isPending} nowMs={now} />
      </div>
    </section>
  );
}

import { Badge } from "@cloudflare/kumo/components/badge";
import { Loading } from "../../components/states.tsx";
import { Timestamp } from "../../components/timestamp.tsx";
import { formatMilliseconds } from "../../format/numbers.ts";
import type { CommandLine } from "./commands.ts";

/** The commands and what came back, newest first; a screen reader hears an answer when it comes. */
export function CommandReplies(props: {
  readonly lines: readonly CommandLine[];
  readonly loading: boolean;
  readonly nowMs: number;
}) {
  return (
    <section aria-label="Command replies" aria-live="polite" className="min-w-0">
      {props.loading && props.lines.length === 0 ? (
        <Loading label="Loading commands" rows={2} />
      ) : props.lines.length === 0 ? (
        <p className="rounded-lg bg-kumo-recessed px-4 py-6 text-center text-kumo-subtle">
          No commands sent yet. Answers appear here.
        </p>
      ) : (
        <ol className="divide-y divide-kumo-hairline">
          {props.lines.map((line) => (
            <Line key={line.id} line={line} nowMs={props.nowMs} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Line({ line, nowMs }: { readonly line: CommandLine; readonly nowMs: number }) {
  const { reply } = line;
  return (
    <li className="py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-mono text-[13px] font-medium">{line.name}</span>
        <Outcome line={line} nowMs={nowMs} />
        {line.roundTripMs !== null && (
          <span className="text-sm text-kumo-subtle tabular">round trip {formatMilliseconds(line.roundTripMs)}</span>
        )}
        <span className="ml-auto text-sm text-kumo-subtle">
          <Timestamp at={line.issuedAt} relative />
        </span>
      </div>
      {reply !== null && !reply.ok && (
        <p className="mt-1 text-sm break-words">
          <span className="font-mono text-[13px]">{reply.error.code}</span>: {reply.error.detail}
        </p>
      )}
      {reply?.ok === true && Object.keys(reply.result).length > 0 && (
        <details className="mt-1">
          <summary className="w-fit cursor-pointer text-sm text-kumo-subtle">Answer</summary>
          <pre className="mt-1 rounded-lg bg-kumo-recessed p-3 font-mono text-xs whitespace-pre-wrap break-words">
            {JSON.stringify(reply.result, null, 2)}
          </pre>
        </details>
      )}
    </li>
  );
}

function Outcome({ line, nowMs }: { readonly line: CommandLine; readonly nowMs: number }) {
  if (line.reply?.ok === true) return <Badge variant="success">ok</Badge>;
  if (line.reply !== null) return <Badge variant="error">refused</Badge>;
  if (Date.parse(line.expiresAt) <= nowMs) return <Badge variant="secondary">no answer</Badge>;
  return <Badge variant="info">waiting</Badge>;
}

import type { ExplanationSource } from "../../api/explanations.ts";
import { auditTypes } from "../../pages/audit/describe.ts";
import { useOrg } from "../org-context.tsx";
import { TextLink } from "../text-link.tsx";
import { Timestamp } from "../timestamp.tsx";

/** What the model was told, each with its place here. @param idOf an element's id, by the source's index */
export function SourceList(props: {
  readonly sources: readonly ExplanationSource[];
  readonly idOf: (index: number) => string;
}) {
  return (
    <details className="text-sm">
      <summary className="cursor-pointer text-kumo-subtle">
        What the model was told: {props.sources.length} {props.sources.length === 1 ? "record" : "records"}
      </summary>
      <ol aria-label="Sources" className="mt-2 grid max-h-72 gap-1 overflow-y-auto">
        {props.sources.map((source, index) => (
          <li key={props.idOf(index)} id={props.idOf(index)} tabIndex={-1} className="flex gap-3 target:bg-kumo-tint">
            <span className="w-12 shrink-0 font-mono text-[13px] text-kumo-subtle">S{index + 1}</span>
            <SourceLine source={source} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function SourceLine({ source }: { readonly source: ExplanationSource }) {
  const { root } = useOrg();
  switch (source.kind) {
    case "device":
      return <TextLink to={`${root}/devices/${encodeURIComponent(source.device)}`}>The device</TextLink>;
    case "telemetry":
      return (
        <TextLink to={`${root}/devices/${encodeURIComponent(source.device)}`}>
          Telemetry to <Timestamp at={source.to} />
        </TextLink>
      );
    case "command":
      return <TextLink to={`${root}/devices/${encodeURIComponent(source.device)}`}>Command {source.name}</TextLink>;
    case "audit":
      return (
        <TextLink to={`${root}/audit?${around(source.at)}`}>
          No. {source.seq}: {auditTypes[source.type] ?? source.type}, <Timestamp at={source.at} />
        </TextLink>
      );
  }
}

/** The log's entries of that second. */
function around(at: string): string {
  const ms = Date.parse(at);
  if (!Number.isFinite(ms)) return "";
  return new URLSearchParams({
    from: new Date(Math.floor(ms / 1000) * 1000).toISOString(),
    to: new Date(Math.floor(ms / 1000) * 1000 + 1000).toISOString(),
  }).toString();
}

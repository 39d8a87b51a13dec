import type { ReactNode } from "react";
import { CopyField } from "../../components/copy-field.tsx";
import { enrollCommands, runCommand } from "./agent-commands.ts";

/** What to do on the machine, in order. `code` is the code itself, or what stands there until it is made. */
export function AgentSteps({ code }: { readonly code: ReactNode }) {
  return (
    <ol className="grid w-full list-none gap-3">
      <li>
        <CopyField label="1. Download the agent and enrol" text={enrollCommands(window.location.origin)} />
      </li>
      <li>{code}</li>
      <li>
        <CopyField label="3. Keep it running" text={runCommand} />
        <p className="mt-1 text-left text-sm text-kumo-subtle">The agent is one file and needs Node 20 or newer.</p>
      </li>
    </ol>
  );
}

/** The code, to be pasted when the agent asks for it. */
export function CodeField({ code }: { readonly code: string }) {
  return <CopyField label="2. Paste the code when the agent asks for it" text={code} />;
}

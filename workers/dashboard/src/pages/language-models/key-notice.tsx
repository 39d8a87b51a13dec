import type { LlmProvider } from "../../api/llm.ts";
import { useNow } from "../../components/timestamp.tsx";
import { keyNotices } from "./key-state.ts";

/** Which keys are to be given anew, and what happens when they are not. Nothing while all are good. */
export function KeyNotice({ providers }: { readonly providers: readonly LlmProvider[] }) {
  const notices = keyNotices(providers, useNow());
  if (notices.length === 0) return null;
  return (
    <div
      role="status"
      aria-label="Keys that are due"
      className="rounded-lg bg-kumo-recessed p-3 ring ring-kumo-hairline"
    >
      <ul className="grid gap-1">
        {notices.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
      <p className="mt-2 text-sm text-kumo-subtle">
        Owners and admins are mailed a week and a day before a key is due, and when it is not used any more.
      </p>
    </div>
  );
}

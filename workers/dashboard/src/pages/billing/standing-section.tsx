import { CheckCircleIcon } from "@phosphor-icons/react/CheckCircle";
import { WarningCircleIcon } from "@phosphor-icons/react/WarningCircle";
import type { Billing } from "../../api/billing.ts";
import { useNow } from "../../components/timestamp.tsx";
import { type StandingWords, standingWords } from "./words.ts";

const looks: Readonly<Record<StandingWords["tone"], string>> = {
  fine: "bg-kumo-base ring-kumo-hairline",
  warning: "bg-kumo-warning-tint ring-kumo-warning/40",
  danger: "bg-kumo-danger-tint ring-kumo-danger/30",
};

/** How the organisation stands, in words. */
export function StandingSection({ billing }: { readonly billing: Billing }) {
  const { title, text, tone } = standingWords(billing, useNow());
  const Icon = tone === "fine" ? CheckCircleIcon : WarningCircleIcon;
  return (
    <section aria-label="Standing" className={`flex gap-3 rounded-xl p-4 ring ${looks[tone]}`}>
      <Icon aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
      <div className="min-w-0">
        <p className="font-medium">{title}</p>
        <p>{text}</p>
      </div>
    </section>
  );
}

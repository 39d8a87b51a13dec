import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { roleNames } from "../../access.ts";
import type { LlmProvider } from "../../api/llm.ts";
import { Fact } from "../../components/fact.tsx";
import { Section } from "../../components/section.tsx";
import { Timestamp, useNow } from "../../components/timestamp.tsx";
import { formatDollars } from "../../format/money.ts";
import { BudgetBar } from "./budget-bar.tsx";
import { llmKeyState } from "./key-state.ts";
import { kindNames } from "./provider-form.ts";

/** What somebody chose to do with a provider. */
export interface ProviderTask {
  readonly kind: "edit" | "rotate" | "remove";
  readonly provider: LlmProvider;
}

export function ProviderCard(props: {
  readonly provider: LlmProvider;
  /** 1 for the one that is asked first. */
  readonly turn: number;
  readonly onTask: (task: ProviderTask) => void;
}) {
  const { provider, turn, onTask } = props;
  const { name } = provider;
  return (
    <Section
      title={name}
      lead={
        <span className="flex flex-wrap items-center gap-2">
          <KeyBadge provider={provider} />
          {provider.roles.length === 0 && <Badge variant="secondary">Nobody may ask it</Badge>}
          <span>No. {turn} in the order</span>
        </span>
      }
      actions={
        <>
          <Button size="sm" onClick={() => onTask({ kind: "edit", provider })} aria-label={`Edit ${name}`}>
            Edit
          </Button>
          <Button size="sm" onClick={() => onTask({ kind: "rotate", provider })} aria-label={`Rotate key of ${name}`}>
            Rotate key
          </Button>
          <Button
            size="sm"
            variant="secondary-destructive"
            onClick={() => onTask({ kind: "remove", provider })}
            aria-label={`Remove ${name}`}
          >
            Remove
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <BudgetBar spent={provider.spent_micros} budget={provider.monthly_budget_micros} />
        <dl className="grid gap-x-8 sm:grid-cols-2">
          <Fact term="Address">
            <span className="font-mono text-[13px] break-all">{provider.base_url}</span>
          </Fact>
          {provider.kind !== "openai" && <Fact term="Format">{kindNames[provider.kind]}</Fact>}
          <Fact term="Key">
            <span className="font-mono text-[13px] break-all">{provider.key.fingerprint}</span>
          </Fact>
          <Fact term="Key is due">
            <Timestamp at={provider.key.due_at} relative />
          </Fact>
          <Fact term="Not used from">
            <Timestamp at={provider.key.blocked_at} relative />
          </Fact>
          {provider.previous_key !== null && (
            <Fact term="Key before, valid until">
              <span className="font-mono text-[13px]">{provider.previous_key.fingerprint}</span>,{" "}
              <Timestamp at={provider.previous_key.until} relative />
            </Fact>
          )}
          <Fact term="Who may ask">{provider.roles.map((role) => roleNames[role].label).join(", ") || "Nobody"}</Fact>
          <Fact term="Personal data">{provider.mask_personal_data ? "Masked" : "Leaves as it is"}</Fact>
        </dl>
        <Models provider={provider} />
      </div>
    </Section>
  );
}

function KeyBadge({ provider }: { readonly provider: LlmProvider }) {
  const now = useNow();
  switch (llmKeyState(provider.key, now)) {
    case "blocked":
      return <Badge variant="error">Key too old, not used</Badge>;
    case "due":
      return <Badge variant="warning">Key is due</Badge>;
    case "soon":
      return <Badge variant="warning">Key is due soon</Badge>;
    case "good":
      return <Badge variant="success">Key is good</Badge>;
  }
}

function Models({ provider }: { readonly provider: LlmProvider }) {
  return (
    <ul aria-label={`Models of ${provider.name}`} className="grid gap-1 text-sm">
      {provider.models.map((model) => (
        <li key={model.name} className="flex flex-wrap justify-between gap-x-4">
          <span className="font-mono text-[13px] break-all">{model.name}</span>
          <span className="text-kumo-subtle">
            {formatDollars(model.input_micros_per_million)} asked, {formatDollars(model.output_micros_per_million)}{" "}
            answered, a million tokens
          </span>
        </li>
      ))}
    </ul>
  );
}

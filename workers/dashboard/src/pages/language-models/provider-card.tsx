import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { roleNames } from "../../access.ts";
import type { LlmKey, LlmPlatform, LlmProvider } from "../../api/llm.ts";
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
  readonly platform: LlmPlatform;
  /** 1 for the one that is asked first. */
  readonly turn: number;
  readonly onTask: (task: ProviderTask) => void;
}) {
  const { provider, platform, turn, onTask } = props;
  const { name, key } = provider;
  return (
    <Section
      title={name}
      lead={
        <span className="flex flex-wrap items-center gap-2">
          {key === null ? <PlatformBadge provider={provider} platform={platform} /> : <KeyBadge llmKey={key} />}
          {provider.roles.length === 0 && <Badge variant="secondary">Nobody may ask it</Badge>}
          <span>No. {turn} in the order</span>
        </span>
      }
      actions={
        <>
          <Button size="sm" onClick={() => onTask({ kind: "edit", provider })} aria-label={`Edit ${name}`}>
            Edit
          </Button>
          {key !== null && (
            <Button size="sm" onClick={() => onTask({ kind: "rotate", provider })} aria-label={`Rotate key of ${name}`}>
              Rotate key
            </Button>
          )}
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
          {provider.base_url !== null && (
            <Fact term="Address">
              <span className="font-mono text-[13px] break-all">{provider.base_url}</span>
            </Fact>
          )}
          {provider.kind !== "openai" && <Fact term="Kind">{kindNames[provider.kind]}</Fact>}
          {key === null ? <PlatformFacts platform={platform} /> : <KeyFacts llmKey={key} />}
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

function KeyFacts({ llmKey }: { readonly llmKey: LlmKey }) {
  return (
    <>
      <Fact term="Key">
        <span className="font-mono text-[13px] break-all">{llmKey.fingerprint}</span>
      </Fact>
      <Fact term="Key is due">
        <Timestamp at={llmKey.due_at} relative />
      </Fact>
      <Fact term="Not used from">
        <Timestamp at={llmKey.blocked_at} relative />
      </Fact>
    </>
  );
}

function PlatformFacts({ platform }: { readonly platform: LlmPlatform }) {
  return (
    <>
      <Fact term="Paid by">Whoever runs Sentinel</Fact>
      <Fact term="Your plan allows">{formatDollars(platform?.monthly_micros_max ?? 0)} a month</Fact>
    </>
  );
}

function KeyBadge({ llmKey }: { readonly llmKey: LlmKey }) {
  const now = useNow();
  switch (llmKeyState(llmKey, now)) {
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

/** Whether the operator offers what it asks. */
function PlatformBadge({ provider, platform }: Pick<Parameters<typeof ProviderCard>[0], "provider" | "platform">) {
  const offered = provider.models.filter(({ upstream }) =>
    platform?.models.some((model) => model.upstream === upstream),
  );
  if (platform === null || offered.length === 0) return <Badge variant="error">Not offered any more, not used</Badge>;
  if (platform.monthly_micros_max === 0) return <Badge variant="error">Not in your plan, not used</Badge>;
  if (offered.length < provider.models.length) return <Badge variant="warning">Not all offered any more</Badge>;
  return <Badge variant="success">Needs no key</Badge>;
}

function Models({ provider }: { readonly provider: LlmProvider }) {
  return (
    <div className="grid gap-2">
      <ul aria-label={`Models of ${provider.name}`} className="grid gap-1 text-sm">
        {provider.models.map((model) => (
          <li key={model.name} className="flex flex-wrap justify-between gap-x-4">
            <span className="font-mono text-[13px] break-all">{model.name}</span>
            <span className="text-kumo-subtle">
              {formatDollars(model.input_micros_per_million)} asked, {formatDollars(model.output_micros_per_million)}{" "}
              answered, a million tokens{model.assumed_price ? ", assumed" : ""}
            </span>
          </li>
        ))}
      </ul>
      {provider.models.some((model) => model.assumed_price) && (
        <p role="note" className="rounded-lg bg-kumo-recessed p-3 text-sm ring ring-kumo-hairline">
          Assumed prices are twice what Sentinel remembers; it has never looked at the provider’s list. The budget is
          counted by them, so it ends early. Edit the provider and write down what it bills.
        </p>
      )}
    </div>
  );
}

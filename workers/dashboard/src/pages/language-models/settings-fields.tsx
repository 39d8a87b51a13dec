import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import {
  askingRoles,
  graceDaysMax,
  nameCharactersMax,
  type ProviderKind,
  placeMax,
  providerKinds,
} from "../../../../../core/llm/provider.ts";
import { roleNames } from "../../access.ts";
import type { LlmPlatform } from "../../api/llm.ts";
import { ModelsFields } from "./models-fields.tsx";
import { PlatformModelsFields } from "./platform-models-fields.tsx";
import { kindNames, kindsFor, type ProviderForm } from "./provider-form.ts";

/** Where a kind's own API begins. */
const addresses: Readonly<Record<ProviderKind, string>> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com/v1",
  workers_ai: "",
};

/** Everything of a provider but its key. */
export function SettingsFields(props: {
  readonly form: ProviderForm;
  /** What it is by now; null: a new one. */
  readonly was: ProviderKind | null;
  readonly platform: LlmPlatform;
  readonly onChange: (change: Partial<ProviderForm>) => void;
}) {
  const { form, platform, onChange: set } = props;
  const kinds = kindsFor(props.was, platform);
  const isPlatform = form.kind === "workers_ai";
  return (
    <>
      <Input
        label="Name"
        required
        maxLength={nameCharactersMax}
        placeholder="OpenAI"
        value={form.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      {kinds.length > 1 && (
        <Select
          label="Kind"
          value={form.kind}
          onValueChange={(value) => set({ kind: providerKinds.find((kind) => kind === value) ?? "openai" })}
          items={Object.fromEntries(kinds.map((kind) => [kind, kindNames[kind]]))}
        />
      )}
      {isPlatform ? (
        <PlatformModelsFields models={form.models} platform={platform} onChange={(models) => set({ models })} />
      ) : (
        <>
          <Input
            label="Address of its API"
            required
            type="url"
            spellCheck={false}
            placeholder={addresses[form.kind]}
            value={form.baseUrl}
            onChange={(event) => set({ baseUrl: event.target.value })}
            description="One of the hosts that whoever runs Sentinel has listed."
          />
          <ModelsFields models={form.models} onChange={(models) => set({ models })} />
        </>
      )}
      <fieldset className="grid gap-2">
        <legend className="mb-1 font-medium">Who may ask</legend>
        {askingRoles.map((role) => (
          <Checkbox
            key={role}
            label={roleNames[role].label}
            checked={form.roles.includes(role)}
            onCheckedChange={(asks) =>
              set({ roles: askingRoles.filter((each) => (each === role ? asks : form.roles.includes(each))) })
            }
          />
        ))}
      </fieldset>
      <Checkbox
        label="Mask personal data before it leaves"
        checked={form.masks}
        onCheckedChange={(masks) => set({ masks })}
      />
      <NumberFields form={form} onChange={set} />
    </>
  );
}

function NumberFields(props: {
  readonly form: ProviderForm;
  readonly onChange: (change: Partial<ProviderForm>) => void;
}) {
  const { form, onChange: set } = props;
  return (
    <div className="grid items-start gap-3 sm:grid-cols-3 [&_*]:min-w-0 [&_input]:w-full">
      <Input
        label="Dollars a month"
        required
        inputMode="decimal"
        value={form.budget}
        onChange={(event) => set({ budget: event.target.value })}
        description="Nothing is asked past this budget."
      />
      <Input
        label="Place in the order"
        required
        type="number"
        min={0}
        max={placeMax}
        value={form.place}
        onChange={(event) => set({ place: event.target.value })}
        description="The lowest is asked first."
      />
      {form.kind !== "workers_ai" && (
        <Input
          label="Days of grace"
          required
          type="number"
          min={0}
          max={graceDaysMax}
          value={form.graceDays}
          onChange={(event) => set({ graceDays: event.target.value })}
          description="Past its month a key is used so long."
        />
      )}
    </div>
  );
}

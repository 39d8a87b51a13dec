import { Checkbox } from "@cloudflare/kumo/components/checkbox";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import {
  askingRoles,
  graceDaysMax,
  nameCharactersMax,
  placeMax,
  providerKinds,
} from "../../../../../core/llm/provider.ts";
import { roleNames } from "../../access.ts";
import { ModelsFields } from "./models-fields.tsx";
import { kindNames, type ProviderForm } from "./provider-form.ts";

/** Everything of a provider but its key. */
export function SettingsFields(props: {
  readonly form: ProviderForm;
  readonly onChange: (change: Partial<ProviderForm>) => void;
}) {
  const { form, onChange: set } = props;
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
      <Input
        label="Address of its API"
        required
        type="url"
        spellCheck={false}
        placeholder="https://api.openai.com/v1"
        value={form.baseUrl}
        onChange={(event) => set({ baseUrl: event.target.value })}
        description="One of the hosts that whoever runs Sentinel has listed."
      />
      <Select
        label="Format in which it is spoken to"
        value={form.kind}
        onValueChange={(value) => set({ kind: providerKinds.find((kind) => kind === value) ?? "openai" })}
        items={kindNames}
      />
      <ModelsFields models={form.models} onChange={(models) => set({ models })} />
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
      <div className="grid items-start gap-3 sm:grid-cols-3 *:min-w-0">
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
      </div>
    </>
  );
}

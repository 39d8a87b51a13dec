import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { modelCharactersMax, modelsMax } from "../../../../../core/llm/provider.ts";
import { emptyModel, type ModelForm } from "./provider-form.ts";

/** The models that a provider offers, and what it bills for them. */
export function ModelsFields(props: {
  readonly models: readonly ModelForm[];
  readonly onChange: (models: readonly ModelForm[]) => void;
}) {
  const { models, onChange } = props;
  const nextRow = Math.max(0, ...models.map(({ row }) => row)) + 1;
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1 font-medium">Models</legend>
      <p className="text-sm text-kumo-subtle">
        Prices in dollars for a million tokens. Take them from the provider’s price list, which Sentinel has never
        looked at: the budget is counted by them.
      </p>
      {models.map((model, index) => (
        <ModelFields
          key={model.row}
          model={model}
          number={index + 1}
          onChange={(changed) => onChange(models.map((each) => (each.row === model.row ? changed : each)))}
          onRemove={models.length > 1 ? () => onChange(models.filter(({ row }) => row !== model.row)) : null}
        />
      ))}
      <div>
        <Button
          type="button"
          size="sm"
          disabled={models.length >= modelsMax}
          onClick={() => onChange([...models, emptyModel(nextRow)])}
        >
          Add another model
        </Button>
      </div>
    </fieldset>
  );
}

function ModelFields(props: {
  readonly model: ModelForm;
  readonly number: number;
  readonly onChange: (model: ModelForm) => void;
  readonly onRemove: (() => void) | null;
}) {
  const { model, number } = props;
  const set = (change: Partial<ModelForm>): void => props.onChange({ ...model, ...change });
  return (
    <fieldset className="grid gap-3 rounded-lg p-3 ring ring-kumo-hairline sm:grid-cols-2 *:min-w-0">
      <legend className="sr-only">Model {number}</legend>
      <Input
        label="Name people ask for"
        required
        maxLength={modelCharactersMax}
        spellCheck={false}
        placeholder="small"
        value={model.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <Input
        label="What the provider calls it"
        maxLength={modelCharactersMax}
        spellCheck={false}
        placeholder="the same"
        value={model.upstream}
        onChange={(event) => set({ upstream: event.target.value })}
      />
      <Input
        label="Price of what is asked"
        required
        inputMode="decimal"
        placeholder="0.15"
        value={model.input}
        onChange={(event) => set({ input: event.target.value })}
      />
      <Input
        label="Price of the answer"
        required
        inputMode="decimal"
        placeholder="0.60"
        value={model.output}
        onChange={(event) => set({ output: event.target.value })}
      />
      {props.onRemove !== null && (
        <div className="sm:col-span-2">
          <Button type="button" size="sm" aria-label={`Remove model ${number}`} onClick={props.onRemove}>
            Remove model
          </Button>
        </div>
      )}
    </fieldset>
  );
}

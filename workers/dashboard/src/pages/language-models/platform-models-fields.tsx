import { Button } from "@cloudflare/kumo/components/button";
import { Input } from "@cloudflare/kumo/components/input";
import { Select } from "@cloudflare/kumo/components/select";
import { modelCharactersMax, modelsMax } from "../../../../../core/llm/provider.ts";
import type { LlmPlatform } from "../../api/llm.ts";
import { formatDollars } from "../../format/money.ts";
import { emptyModel, type ModelForm } from "./provider-form.ts";

/** Which of the models that the operator lists are offered, and as what. Prices are the operator's. */
export function PlatformModelsFields(props: {
  readonly models: readonly ModelForm[];
  readonly platform: LlmPlatform;
  readonly onChange: (models: readonly ModelForm[]) => void;
}) {
  const { models, platform } = props;
  const nextRow = Math.max(0, ...models.map(({ row }) => row)) + 1;
  const change = (row: number, given: Partial<ModelForm>): void =>
    props.onChange(models.map((each) => (each.row === row ? { ...each, ...given } : each)));
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1 font-medium">Models</legend>
      <p className="text-sm text-kumo-subtle">
        They run at Cloudflare, on the account of whoever runs Sentinel, who says which there are and what they cost.
        There is no key. Your plan allows {formatDollars(platform?.monthly_micros_max ?? 0)} of them a month.
      </p>
      {models.map(({ row, name, upstream }, index) => (
        <fieldset key={row} className="grid gap-3 rounded-lg p-3 ring ring-kumo-hairline sm:grid-cols-2 *:min-w-0">
          <legend className="sr-only">Model {index + 1}</legend>
          <Input
            label="Name people ask for"
            required
            maxLength={modelCharactersMax}
            spellCheck={false}
            placeholder="small"
            value={name}
            onChange={(event) => change(row, { name: event.target.value })}
          />
          <div className="grid gap-1 sm:col-span-2 *:min-w-0 [&_button]:w-full [&_button]:min-w-0 [&_button>*]:truncate">
            <Select
              label="Model"
              placeholder="Choose"
              value={upstream === "" ? null : upstream}
              items={itemsFor(platform, upstream)}
              renderValue={(value) => String(value)}
              onValueChange={(value) => change(row, { upstream: value ?? "" })}
            />
            <p className="text-sm text-kumo-subtle">{priceOf(platform, upstream)}</p>
          </div>
          {models.length > 1 && (
            <div className="sm:col-span-2">
              <Button
                type="button"
                size="sm"
                aria-label={`Remove model ${index + 1}`}
                onClick={() => props.onChange(models.filter((each) => each.row !== row))}
              >
                Remove model
              </Button>
            </div>
          )}
        </fieldset>
      ))}
      <div>
        <Button
          type="button"
          size="sm"
          disabled={models.length >= modelsMax}
          onClick={() => props.onChange([...models, emptyModel(nextRow)])}
        >
          Add another model
        </Button>
      </div>
    </fieldset>
  );
}

/** By their names; one that is listed no more stays to be seen, and is refused. */
function itemsFor(platform: LlmPlatform, chosen: string): Record<string, string> {
  const listed = (platform?.models ?? []).map(({ upstream }) => upstream);
  const all = chosen === "" || listed.includes(chosen) ? listed : [...listed, chosen];
  return Object.fromEntries(all.map((upstream) => [upstream, upstream]));
}

function priceOf(platform: LlmPlatform, chosen: string): string {
  if (chosen === "") return "";
  const model = platform?.models.find(({ upstream }) => upstream === chosen);
  if (model === undefined) return "Not offered any more.";
  const [of, to] = [model.input_micros_per_million, model.output_micros_per_million].map(formatDollars);
  return `${of} asked, ${to} answered, a million tokens.`;
}

/** What stands in a provider's form, and the settings that it says. */
import {
  type AskingRole,
  budgetMicrosMax,
  graceDaysMax,
  keyedKinds,
  type ProviderKind,
  placeMax,
  priceMicrosMax,
  providerKinds,
} from "../../../../../core/llm/provider.ts";
import type { LlmModelSettings, LlmPlatform, LlmProvider, LlmProviderSettings } from "../../api/llm.ts";
import { dollarsText, microsOf } from "../../format/money.ts";

export interface ModelForm {
  /** Tells rows apart while they are written; never sent. */
  readonly row: number;
  readonly name: string;
  readonly upstream: string;
  /** Dollars for a million tokens. */
  readonly input: string;
  readonly output: string;
}
export interface ProviderForm {
  readonly name: string;
  readonly kind: ProviderKind;
  readonly baseUrl: string;
  readonly models: readonly ModelForm[];
  readonly roles: readonly AskingRole[];
  /** Dollars a month. */
  readonly budget: string;
  readonly place: string;
  readonly masks: boolean;
  readonly graceDays: string;
}

export const emptyModel = (row: number): ModelForm => ({ row, name: "", upstream: "", input: "", output: "" });

export const emptyForm: ProviderForm = {
  name: "",
  kind: "openai",
  baseUrl: "",
  models: [emptyModel(0)],
  roles: ["owner", "admin"],
  budget: "20",
  place: "0",
  masks: true,
  graceDays: "7",
};

export function formOf(provider: LlmProvider): ProviderForm {
  return {
    name: provider.name,
    kind: provider.kind,
    baseUrl: provider.base_url ?? "",
    models: provider.models.map((model, row) => ({
      row,
      name: model.name,
      upstream: model.upstream,
      input: dollarsText(model.input_micros_per_million),
      output: dollarsText(model.output_micros_per_million),
    })),
    roles: provider.roles,
    budget: dollarsText(provider.monthly_budget_micros),
    place: String(provider.place),
    masks: provider.mask_personal_data,
    graceDays: String(provider.grace_days ?? emptyForm.graceDays),
  };
}

/** What a kind is called. */
export const kindNames: Readonly<Record<ProviderKind, string>> = {
  openai: "OpenAI’s format, which most providers know",
  anthropic: "Anthropic’s own format",
  workers_ai: "Workers AI, without a key",
};

/** Kinds that may be chosen: with a key or without one is what a provider stays. @param was what it is; null for a new one */
export function kindsFor(was: ProviderKind | null, platform: LlmPlatform): readonly ProviderKind[] {
  if (was === "workers_ai") return ["workers_ai"];
  const offers = platform !== null && platform.monthly_micros_max > 0;
  return was === null && offers ? providerKinds : keyedKinds;
}

/** Settings of a provider as they are, for a change of its key alone. */
export function settingsOf(provider: LlmProvider): LlmProviderSettings {
  const { name, kind, base_url, models, roles, monthly_budget_micros, place, mask_personal_data, grace_days } =
    provider;
  return {
    ...{ name, kind, roles, monthly_budget_micros, place, mask_personal_data },
    models: models.map(({ assumed_price: _guess, ...model }) => model),
    ...(base_url === null ? {} : { base_url }),
    ...(grace_days === null ? {} : { grace_days }),
  };
}

/** The settings, or in words what is wrong with the form; what a field itself can't say. */
export function readForm(form: ProviderForm): LlmProviderSettings | string {
  const isPlatform = form.kind === "workers_ai";
  const models = form.models.map(isPlatform ? readPlatformModel : readModel);
  const wrong = models.find((model) => typeof model === "string");
  if (wrong !== undefined) return wrong;
  const budget = amount(form.budget, budgetMicrosMax);
  if (budget === null) return "The budget is an amount in dollars, such as 20 or 12.50.";
  const place = whole(form.place, placeMax);
  if (place === null) return `The place is a whole number up to ${placeMax}.`;
  const graceDays = whole(form.graceDays, graceDaysMax);
  if (graceDays === null && !isPlatform) return `Days of grace are a whole number up to ${graceDaysMax}.`;
  return {
    name: form.name.trim(),
    kind: form.kind,
    models: models.filter((model) => typeof model !== "string"),
    roles: form.roles,
    monthly_budget_micros: budget,
    place,
    mask_personal_data: form.masks,
    ...(isPlatform || graceDays === null ? {} : { base_url: form.baseUrl.trim(), grace_days: graceDays }),
  };
}

function readModel({ name, upstream, input, output }: ModelForm): LlmModelSettings | string {
  const [of, to] = [amount(input, priceMicrosMax), amount(output, priceMicrosMax)];
  if (of === null || to === null) return "A price is an amount in dollars for a million tokens, such as 0.15.";
  const called = name.trim();
  return {
    name: called,
    upstream: upstream.trim() === "" ? called : upstream.trim(),
    input_micros_per_million: of,
    output_micros_per_million: to,
  };
}

/** One that the operator lists, at the operator's price. */
function readPlatformModel({ name, upstream }: ModelForm): LlmModelSettings | string {
  return upstream === "" ? "Choose which model it is." : { name: name.trim(), upstream };
}

function amount(text: string, max: number): number | null {
  const micros = microsOf(text);
  return micros === null || micros > max ? null : micros;
}

function whole(text: string, max: number): number | null {
  return /^\d{1,4}$/.test(text) && Number(text) <= max ? Number(text) : null;
}

/**
 * Models of the platform's own that the operator offers, and what the operator is billed for them. The operator's word and not an
 * organisation's: whoever pays says what is asked and what it costs, or a price of nothing would be a budget without end.
 */
import { type ModelPrice, modelCharactersMax, modelsMax, priceMicrosMax } from "./provider.ts";

export type Price = Pick<ModelPrice, "inputMicros" | "outputMicros">;
/** By the platform's own name of the model. */
export type PlatformPrices = ReadonlyMap<string, Price>;

const dollars = "(\\d{1,4}(?:\\.\\d{1,6})?)";
const entry = new RegExp(`^(@[A-Za-z0-9][A-Za-z0-9._:/@-]*)=${dollars}/${dollars}$`);

/**
 * Reads `@cf/meta/llama-3.1-8b-instruct=0.28/0.83, …`: dollars for a million tokens asked and answered. Empty: none are offered.
 * @throws Error naming the setting when it is anything else: a price that was mistyped must not be one
 */
export function parsePlatformPrices(name: string, text: string): PlatformPrices {
  const prices = new Map<string, Price>();
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "" && text.trim() === "") break;
    const [, model = "", input = "", output = ""] = entry.exec(part) ?? [];
    const price = { inputMicros: micros(input), outputMicros: micros(output) };
    const isWrong = model === "" || model.length > modelCharactersMax || prices.has(model) || prices.size >= modelsMax;
    // What costs nothing would be asked without end.
    const costs = price.inputMicros > 0 && Math.max(price.inputMicros, price.outputMicros) <= priceMicrosMax;
    if (isWrong || !costs)
      throw new Error(
        `${name} is a list of models with dollars for a million tokens, such as @cf/meta/llama-3.1-8b-instruct=0.28/0.83`,
      );
    prices.set(model, price);
  }
  return prices;
}

const micros = (text: string): number => (text === "" ? 0 : Math.round(Number(text) * 1_000_000));

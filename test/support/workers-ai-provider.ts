/**
 * What stands behind workerd's AI binding, as the binding speaks to it: `POST https://workers-binding.ai/run?version=3` with
 * `{inputs, options}` and the model in a header. Miniflare brings it here with the address in `MF-URL` and each header as
 * `MF-Header-*`. Workers AI itself was never reached: shapes are those of its documentation.
 */
import type { IncomingHttpHeaders } from "node:http";

export const isWorkersAi = ({ headers }: { readonly headers: IncomingHttpHeaders }): boolean =>
  headers["mf-binding"] === "AI";

/** @returns what was asked: its path is the model's name, its body the inputs */
export function readWorkersAi(headers: IncomingHttpHeaders, text: string) {
  if (headers["mf-url"] !== "https://workers-binding.ai/run?version=3") throw new Error(`asked ${headers["mf-url"]}`);
  const model = String(headers["mf-header-cf-consn-model-id"]);
  return { key: "none", headers, path: model, body: JSON.parse(text).inputs };
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

/** A whole answer. */
export const workersAiAnswer = (text: string, usage: unknown): string => JSON.stringify({ response: text, usage });

/** The same in pieces, each padded as theirs are, with the count behind them and no reason for the end. */
export function workersAiStream(text: string, usage: unknown, pieces: number): string[] {
  const size = Math.max(1, Math.ceil(text.length / pieces));
  const said = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    event({ response: text.slice(at * size, (at + 1) * size), p: "abdefghijk" }),
  );
  return [...said, event({ response: "", usage }), "data: [DONE]\n\n"];
}

/** For each text three numbers, of which the first is its length, in the order of the texts. */
export function workersAiVectors(texts: readonly string[], usage: unknown): string {
  const data = texts.map((text) => [text.length, 0.5, -0.25]);
  return JSON.stringify({ shape: [data.length, 3], data, pooling: "mean", usage });
}

export const workersAiHalf = { begin: event({ response: "as I was " }), more: event({ response: "saying " }) };

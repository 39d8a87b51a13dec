import type { WafExemption } from "../../../../core/routes.ts";
import { deviceCookieName, sessionCookieName } from "../../../../core/rpc/studio.ts";
import { cookiePairs } from "../../presented-credential.ts";
import type { WafTarget } from "./rule.ts";

/** One piece of text to judge. */
export interface WafInput {
  readonly target: WafTarget;
  readonly text: string;
}

/** What a request consists of, as far as the rules are concerned. */
export interface WafRequest {
  readonly rawPath: string;
  readonly rawQuery: string | null;
  readonly headers: Headers;
  /** The parsed body; undefined when there is none. */
  readonly json: unknown;
  readonly exemptions: readonly WafExemption[];
}

/** Objects in objects: our deepest body has four levels; a parser's recursion is safe far beyond this. */
export const jsonDepthMax = 32;
/** Keys and strings in one body or query. 64 KiB of `"",` would be 20,000; no form has a tenth of this. */
export const inputsMax = 2048;

/** Too deep or too many to judge. */
export class TooComplex extends Error {}

/**
 * Lists every piece of text in a request. The body is walked as parsed JSON: a pattern over its raw
 * text could be split by an escape, and would see structure where there is only content.
 * @throws TooComplex
 */
export function collect(request: WafRequest): WafInput[] {
  const inputs: WafInput[] = [{ target: "path", text: request.rawPath }];
  const push = (target: WafTarget, text: string): void => {
    if (inputs.length >= inputsMax) throw new TooComplex("inputs");
    // A scanner's bare name is a sign; anywhere else a bare word is not.
    if (target === "user_agent" || !isInert(text)) inputs.push({ target, text });
  };
  const exempt = new Set<string>(request.exemptions.map(({ field }) => field));

  for (const [name, value] of queryPairs(request.rawQuery)) {
    push("query_name", name);
    if (!exempt.has(`query.${name}`)) push("query_value", value);
  }
  for (const [target, header] of [
    ["user_agent", "User-Agent"],
    ["referer", "Referer"],
  ] as const) {
    const value = request.headers.get(header);
    if (value !== null) push(target, value);
  }
  for (const [name, value] of cookiePairs(request.headers)) {
    if (name === sessionCookieName || name === deviceCookieName) continue;
    push("cookie", name);
    push("cookie", value);
  }
  walk(request.json, "body", 0, exempt, push);
  return inputs;
}

/** Letters, digits and hyphens alone are a sign of nothing: identifiers, slugs, numbers, single words. */
function isInert(text: string): boolean {
  return /^[A-Za-z0-9-]*$/.test(text);
}

/** Names and values, `+` as a space; percent-encoding is left to normalisation. */
function queryPairs(rawQuery: string | null): [name: string, value: string][] {
  if (rawQuery === null || rawQuery === "") return [];
  return rawQuery.split("&").map((pair) => {
    const text = pair.replaceAll("+", " ");
    const equals = text.indexOf("=");
    return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
  });
}

function walk(
  value: unknown,
  path: string,
  depth: number,
  exempt: ReadonlySet<string>,
  push: (target: WafTarget, text: string) => void,
): void {
  if (exempt.has(path)) return;
  if (typeof value === "string") {
    push("body_value", value);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (depth >= jsonDepthMax) throw new TooComplex("depth");
  if (Array.isArray(value)) {
    for (const item of value) walk(item, path, depth + 1, exempt, push);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    // The whole way to the key, so that `constructor` above `prototype` is seen as one thing.
    push("body_key", `${path}.${key}`);
    walk(item, `${path}.${key}`, depth + 1, exempt, push);
  }
}

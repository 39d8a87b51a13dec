import type { SurfaceRules } from "../../../api/geo.ts";

/** A surface's rules while somebody writes them: lists are text, an entry a line. */
export interface RulesDraft {
  readonly countries: readonly string[];
  readonly networksAllow: string;
  readonly networksDeny: string;
  readonly asnsAllow: string;
  readonly asnsDeny: string;
}

export function draftOf({ countries, networks, asns }: SurfaceRules): RulesDraft {
  return {
    countries,
    networksAllow: networks.allow.join("\n"),
    networksDeny: networks.deny.join("\n"),
    asnsAllow: asns.allow.map((number) => `AS${number}`).join("\n"),
    asnsDeny: asns.deny.map((number) => `AS${number}`).join("\n"),
  };
}

/** The rules as the server takes them; what is no number is sent as one that it refuses by name. */
export function rulesOf(draft: RulesDraft): SurfaceRules {
  const numbers = (text: string) => entries(text).map((entry) => Number(entry.replace(/^AS/i, "")) || 0);
  return {
    countries: [...draft.countries],
    networks: { allow: entries(draft.networksAllow), deny: entries(draft.networksDeny) },
    asns: { allow: numbers(draft.asnsAllow), deny: numbers(draft.asnsDeny) },
  };
}

function entries(text: string): string[] {
  return text.split(/[\s,;]+/).filter((entry) => entry !== "");
}

import { type Denial, type Gate, localDeadlineMs } from "../gate.ts";
import { TooComplex } from "./collect.ts";
import { decide } from "./decide.ts";

const denied: Denial = { kind: "deny", code: "waf_denied" };

/**
 * The web application firewall: signs of known attacks, weighed. It is one layer among several and none relies
 * on it: queries are parameterised, pages escape, bodies are parsed by schema.
 */
export const wafGate: Gate<"body", never> = {
  name: "waf",
  appliesTo: "every_request",
  needs: ["body"],
  adds: [],
  deadlineMs: localDeadlineMs,
  judge({ request, target, resolution, body }) {
    const json = body === null ? { value: undefined } : readJson(body, request.headers.get("Content-Type"));
    if ("kind" in json) return json;
    const exemptions = resolution.kind === "route" ? resolution.match.route.wafExemptions : [];
    const { rawPath, rawQuery } = target;
    try {
      const { allowed } = decide({ rawPath, rawQuery, headers: request.headers, json: json.value, exemptions });
      return allowed ? { kind: "allow", adds: {} } : denied;
    } catch (error) {
      if (error instanceof TooComplex) return denied;
      throw error;
    }
  },
};

/**
 * What can't be read can't be judged, so it goes no further: no route takes anything but JSON. Text
 * that is not UTF-8 is refused rather than repaired, because two decoders repair differently.
 */
function readJson(body: Uint8Array, contentType: string | null): { readonly value: unknown } | Denial {
  if (!/^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i.test(contentType ?? ""))
    return { kind: "deny", code: "unsupported_media_type" };
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body)) };
  } catch {
    return { kind: "deny", code: "invalid_json" };
  }
}

import { type Denial, type Gate, localDeadlineMs } from "../gate.ts";
import { TooComplex } from "./collect.ts";
import { decide } from "./decide.ts";
import { mediaTypeOf, readBody, type WafBody } from "./read-body.ts";

/** Says which gate refused, and nothing of why: a rule's name would tell an attacker what to write next. */
const denied: Denial = { kind: "deny", code: "waf_denied", headers: { "X-Sentinel-Waf": "block" } };

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
    const { headers } = request;
    const exemptions = resolution.kind === "route" ? resolution.match.route.wafExemptions : [];
    const { rawPath, rawQuery } = target;
    const contentType = headers.get("Content-Type");
    const read = body === null ? null : readBody(body, contentType);
    try {
      if (!decide({ rawPath, rawQuery, headers, body: read, exemptions }).allowed) return denied;
    } catch (error) {
      if (error instanceof TooComplex) return denied;
      throw error;
    }
    // Behind a miss nobody reads the body, so its form does not matter.
    if (body === null || read === null || resolution.kind === "miss") return { kind: "allow", adds: {} };
    return judgeForm(body, read, contentType) ?? { kind: "allow", adds: {} };
  },
};

/**
 * What can't be read as JSON goes no further: no route takes anything else. Text that is not UTF-8 is
 * refused rather than repaired, because two decoders repair differently.
 */
function judgeForm(body: Uint8Array, read: WafBody, contentType: string | null): Denial | null {
  if (
    mediaTypeOf(contentType) !== "application/json" ||
    !/^[^;]*(?:;\s*charset="?utf-8"?)?\s*$/i.test(contentType ?? "")
  )
    return { kind: "deny", code: "unsupported_media_type" };
  return read.kind === "json" && isExactUtf8(body) ? null : { kind: "deny", code: "invalid_json" };
}

/** No byte was repaired, and no byte order mark dropped, to read it. */
function isExactUtf8(bytes: Uint8Array): boolean {
  try {
    return !new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).startsWith("\ufeff");
  } catch {
    return false;
  }
}

import { endpointOf, isWayBack } from "../../../../core/tenancy/waf-endpoint.ts";
import { judgeWaf, type WafVerdict } from "../../../../core/tenancy/waf-verdict.ts";
import { type Additions, type Denial, type Gate, localDeadlineMs, type RequestContext } from "../gate.ts";
import { TooComplex } from "./collect.ts";
import { type Inspection, inspect } from "./decide.ts";
import { factsOf } from "./facts.ts";
import { mediaTypeOf, readBody, type WafBody } from "./read-body.ts";
import { recordOf } from "./record.ts";

/** Says which gate refused, and nothing of why: a rule's name would tell an attacker what to write next. */
const denied: Denial = { kind: "deny", code: "waf_denied", headers: { "X-Sentinel-Waf": "block" } };

const notJson: Denial = { kind: "deny", code: "unsupported_media_type" };

/**
 * The web application firewall: the organisation's own rules, then signs of known attacks, weighed as it wants them
 * weighed. It is one layer among several and none relies on it: queries are parameterised, pages escape, bodies are
 * parsed by schema.
 */
export const wafGate: Gate<"body" | "geo", never> = {
  name: "waf",
  appliesTo: "every_request",
  needs: ["body", "geo"],
  adds: [],
  deadlineMs: localDeadlineMs,
  judge(context) {
    const { request, resolution, body } = context;
    const contentType = request.headers.get("Content-Type");
    // A document's bytes are no request: what is in them is sealed, and looked at where it is opened.
    const isStream = body instanceof ReadableStream;
    // Nobody parses what is signed before the signature is verified, and then it is no stranger's.
    const isSigned = resolution.kind === "route" && resolution.match.route.takes === "signed";
    const read = body === null || isStream || isSigned ? null : readBody(body, contentType);
    try {
      if (judgeByPolicy(context, read).outcome === "block") return denied;
    } catch (error) {
      // More than can be judged is refused whatever the policy says: it has not been looked at.
      if (error instanceof TooComplex) return denied;
      throw error;
    }
    if (isStream)
      return mediaTypeOf(contentType) === "application/octet-stream" ? { kind: "allow", adds: {} } : notJson;
    if (isSigned) return mediaTypeOf(contentType) === "application/json" ? { kind: "allow", adds: {} } : notJson;
    // Behind a miss nobody reads the body, so its form does not matter.
    if (body === null || read === null || resolution.kind === "miss") return { kind: "allow", adds: {} };
    const isForm = resolution.match.route.takes === "form" && read.kind === "form";
    if (isForm) return isExactUtf8(body as Uint8Array) ? { kind: "allow", adds: {} } : notJson;
    return judgeForm(body, read, contentType) ?? { kind: "allow", adds: {} };
  },
};

/** Judges by the organisation's policy, else by the platform's, and keeps what an organisation will want to see. */
function judgeByPolicy(context: RequestContext & Pick<Additions, "geo">, body: WafBody | null): WafVerdict {
  const { request, target, resolution, geo, nowMs, isolate, client } = context;
  const { headers } = request;
  const route = resolution.kind === "route" ? resolution.match.route : null;
  const exemptions = route?.wafExemptions ?? [];
  let inspected: Inspection | null = null;
  const inspection = (): Inspection => {
    inspected ??= inspect({ ...target, headers, body, exemptions });
    return inspected;
  };
  const org = resolution.kind === "route" ? resolution.org : null;
  const endpoint = route === null ? null : endpointOf(route);
  const verdict = judgeWaf(
    resolution.policy.waf,
    {
      endpoint,
      wayBack: route === null || isWayBack(route),
      facts: factsOf(context, geo.facts, body),
      findings: () => inspection().findings,
    },
    nowMs,
  );
  if (org !== null && endpoint !== null) {
    const inputs = inspected === null ? [] : inspection().inputs;
    const userAgent = headers.get("User-Agent");
    isolate.wafRecords.count(
      org.org,
      recordOf({ verdict, inputs, endpoint, geo: geo.facts, ip: client.ip, userAgent }),
    );
  }
  return verdict;
}

/**
 * What can't be read as JSON goes no further: no route takes anything else. Text that is not UTF-8 is
 * refused rather than repaired, because two decoders repair differently.
 */
function judgeForm(body: Uint8Array, read: WafBody, contentType: string | null): Denial | null {
  if (
    mediaTypeOf(contentType) !== "application/json" ||
    !/^[^;]*(?:;\s*charset="?utf-8"?)?\s*$/i.test(contentType ?? "")
  )
    return notJson;
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

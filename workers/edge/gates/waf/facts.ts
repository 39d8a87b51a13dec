import type { GeoFacts } from "../../../../core/tenancy/geo-policy.ts";
import { isOwnCookie, type NamedField, type WholeField } from "../../../../core/tenancy/waf-condition.ts";
import { endpointOf } from "../../../../core/tenancy/waf-endpoint.ts";
import type { WafFacts } from "../../../../core/tenancy/waf-match.ts";
import { cookiePairs } from "../../presented-credential.ts";
import type { RequestContext } from "../gate.ts";
import { decodePercent } from "./decode.ts";
import type { WafBody } from "./read-body.ts";

/**
 * A request as an organisation's own rules may see it. Its credentials and the fields that the route table calls
 * secrets are not there for them: a rule that only logs would else tell its author, one character at a time, what
 * somebody's password begins with.
 */
export function factsOf(
  { request, target, resolution }: Pick<RequestContext, "request" | "target" | "resolution">,
  geo: GeoFacts,
  body: WafBody | null,
): WafFacts {
  const { headers, method } = request;
  const route = resolution.kind === "route" ? resolution.match.route : null;
  const secrets: readonly string[] = route?.wafExemptions.map(({ field }) => field) ?? [];
  const secret = (field: string): boolean => secrets.some((one) => field === one || field.startsWith(`${one}.`));
  const one = (text: string | null): readonly string[] => (text === null ? [] : [text]);
  const whole: Readonly<Record<WholeField, () => readonly string[]>> = {
    endpoint: () => (route === null ? [] : [endpointOf(route)]),
    path: () => [target.rawPath],
    query: () => (secrets.some((field) => field.startsWith("query.")) ? [] : one(target.rawQuery)),
    user_agent: () => one(headers.get("User-Agent")),
    referer: () => one(headers.get("Referer")),
  };
  const named: Readonly<Record<NamedField, (name: string) => readonly string[]>> = {
    query_value: (name) => (secret(`query.${name}`) ? [] : queryValues(target.rawQuery ?? "", name)),
    header: (name) => one(headers.get(name)),
    cookie: (name) => cookieValues(headers, name),
    body: (name) => (secret(`body.${name}`) || body?.kind !== "json" ? [] : textsAt(body.value, name.split("."))),
  };
  const { country, asn, network } = geo;
  return {
    method,
    country,
    asn,
    network,
    whole: (field) => whole[field](),
    named: (field, name) => named[field](name),
  };
}

/** Values of one name, decoded once, as those who read a query do. */
function queryValues(query: string, name: string): readonly string[] {
  const decode = (text: string): string => decodePercent(text.replaceAll("+", " "));
  return query.split("&").flatMap((pair) => {
    const equals = pair.indexOf("=");
    if (decode(equals === -1 ? pair : pair.slice(0, equals)) !== name) return [];
    return [equals === -1 ? "" : decode(pair.slice(equals + 1))];
  });
}

function cookieValues(headers: Headers, name: string): readonly string[] {
  if (isOwnCookie(name)) return [];
  return [...cookiePairs(headers)].flatMap(([its, value]) => (its === name ? [value] : []));
}

/** The texts at the end of a way through objects; lists on the way are gone through whole. Depth: the way's. */
function textsAt(value: unknown, way: readonly string[]): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => (Array.isArray(item) ? [] : textsAt(item, way)));
  const [next, ...rest] = way;
  if (next === undefined) return typeof value === "string" ? [value] : [];
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, next)) return [];
  return textsAt((value as Readonly<Record<string, unknown>>)[next], rest);
}

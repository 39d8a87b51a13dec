import type { z } from "@hono/zod-openapi";
import { type FieldError, fieldErrors, findNul } from "../../http/field-errors.ts";
import { readJsonBody } from "../../http/read-body.ts";
import { type Refusal, refuse } from "../../http/result.ts";
import { type Exchange, proceed, type Verdict } from "../exchange.ts";

/** Parses path, query and body by the route's schemas. From here on handlers hold parsed types only. */
export async function parseInput(exchange: Exchange): Promise<Verdict> {
  const { definition } = exchange;
  const { org: _resolvedByAuthenticate, ...named } = exchange.params;
  const params = definition.params === null ? { success: true as const, data: {} } : definition.params.safeParse(named);
  // An identifier that can't exist is a thing that doesn't exist.
  if (!params.success) return stop(refuse("not_found"));

  const query = parseQuery(exchange.url.searchParams, definition.query);
  if (query.kind === "errors") return stop(refuse("invalid_request", { errors: query.errors }));

  const { takes } = definition.spec;
  if (takes === "bytes" || takes === "signed") {
    const { body } = exchange.request;
    const type = (exchange.request.headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase();
    const wanted = takes === "bytes" ? "application/octet-stream" : "application/json";
    // What has no bytes has no type.
    if (body !== null && type !== wanted) return stop(refuse("unsupported_media_type"));
    exchange.input = { params: params.data, query: query.value, body: undefined };
    return proceed;
  }
  const read = await readJsonBody(exchange.request, {
    expected: definition.body !== null,
    bytesMax: definition.spec.bodyBytesMax,
    form: definition.spec.takes === "form",
  });
  if (read.kind === "refused") return stop(refuse(read.code));
  exchange.rawBody = read.text;
  let body: unknown;
  if (definition.body !== null) {
    const parsed = parseWith(definition.body, read.json);
    if (parsed.kind === "errors") return stop(refuse("invalid_request", { errors: parsed.errors }));
    body = parsed.value;
  }
  exchange.input = { params: params.data, query: query.value, body };
  return proceed;
}

type Parsed =
  | { readonly kind: "ok"; readonly value: unknown }
  | { readonly kind: "errors"; readonly errors: FieldError[] };

function parseWith(schema: z.ZodType, value: unknown): Parsed {
  const nul = findNul(value);
  if (nul !== null) return { kind: "errors", errors: [{ path: nul, message: "holds a NUL character" }] };
  const parsed = schema.safeParse(value);
  return parsed.success ? { kind: "ok", value: parsed.data } : { kind: "errors", errors: fieldErrors(parsed.error) };
}

function parseQuery(search: URLSearchParams, schema: z.ZodType | null): Parsed {
  const fields = new Map<string, string>();
  for (const [name, value] of search) {
    if (fields.has(name)) return { kind: "errors", errors: [{ path: name.slice(0, 64), message: "is given twice" }] };
    fields.set(name, value);
  }
  if (schema !== null) return parseWith(schema, Object.fromEntries(fields));
  const [unknown] = fields.keys();
  if (unknown === undefined) return { kind: "ok", value: {} };
  return { kind: "errors", errors: [{ path: unknown.slice(0, 64), message: "is not known here" }] };
}

function stop(refusal: Refusal): Verdict {
  return { kind: "refuse", refusal };
}

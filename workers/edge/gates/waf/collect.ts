import type { WafExemption } from "../../../../core/routes.ts";
import { deviceCookieName, sessionCookieName } from "../../../../core/rpc/studio.ts";
import { cookiePairs } from "../../presented-credential.ts";
import { decodePercent } from "./decode.ts";
import type { WafBody } from "./read-body.ts";
import type { WafTarget } from "./rule.ts";

/** One piece of text to judge. */
export interface WafInput {
  readonly target: WafTarget;
  readonly text: string;
  /** Where it stood, as people name it: `path`, `query.q`, `body.user.name`; a name's own place is `query` or `body`. */
  readonly field: string;
}

/** What a request consists of, as far as the rules are concerned. */
export interface WafRequest {
  readonly rawPath: string;
  readonly rawQuery: string | null;
  readonly headers: Headers;
  readonly body: WafBody | null;
  readonly exemptions: readonly WafExemption[];
}

/** Objects in objects: our deepest body has four levels; a parser's recursion is safe far beyond this. */
export const jsonDepthMax = 32;
/** What is in base64 counts as this many levels, so that it can be twice and no more. */
const base64DepthStep = 12;
const base64DepthMax = 20;
/** Keys and strings in one request that are more than a word. 64 KiB of `" ",` would be 16,000; no form has a tenth. */
export const inputsMax = 4096;

/** Too deep or too many to judge. */
export class TooComplex extends Error {}

/**
 * Lists every piece of text in a request. A body is walked as what it says it is, and JSON inside a string as
 * JSON: a pattern over raw text could be split by an escape, and would see structure where there is only content.
 * @throws TooComplex
 */
export function collect(request: WafRequest): WafInput[] {
  const collection = new Collection(new Set(request.exemptions.map(({ field }) => field)));
  collectPath(collection, request.rawPath);
  collectPairs(collection, request.rawQuery ?? "", "query");
  collectHeaders(collection, request.headers);
  if (request.body !== null) collectBody(collection, request.body);
  return collection.inputs;
}

class Collection {
  readonly inputs: WafInput[] = [];
  readonly exempt: ReadonlySet<string>;

  constructor(exempt: ReadonlySet<string>) {
    this.exempt = exempt;
  }

  push(target: WafTarget, text: string, field: string): void {
    // A scanner's bare name is a sign; anywhere else a bare word is not.
    if (target !== "user_agent" && isInert(text)) return;
    if (this.inputs.length >= inputsMax) throw new TooComplex("inputs");
    this.inputs.push({ target, text, field });
  }

  /** A value that may hold JSON, or something in base64: then that is judged, under the same name. */
  value(target: WafTarget, text: string, path: string, depth: number): void {
    const json = parseInside(text);
    if (json !== undefined) {
      this.walk(json, path, depth + 1, target);
      return;
    }
    const plain = depth < base64DepthMax ? readBase64(text) : null;
    if (plain !== null) this.value(target, plain, path, depth + base64DepthStep);
    this.push(target, text, path);
  }

  walk(value: unknown, path: string, depth: number, target: WafTarget): void {
    if (this.exempt.size > 0 && this.exempt.has(path)) return;
    if (typeof value === "string") {
      this.value(target, value, path, depth);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    if (depth >= jsonDepthMax) throw new TooComplex("depth");
    if (Array.isArray(value)) {
      for (const item of value) this.walk(item, path, depth + 1, target);
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      // The whole way to the key, so that `constructor` above `prototype` is seen as one thing.
      const whole = `${path}.${key}`;
      // A name that begins like the parent's can only be a sign by its own characters.
      if (!isPlainName(key)) {
        this.push("body_key", whole, placeOf(path));
        this.push("body_key", key, placeOf(path));
        // What an operator is compared to decides whether it selects or opens everything.
        if (/^\$(?:ne|nin|gte?|lte?|exists|regex)$/.test(key))
          this.push("body_key", `${whole}: ${operand(item)}`, placeOf(path));
      }
      this.walk(item, whole, depth + 1, target);
    }
  }
}

/** The place that a name stands in, without the names above it, which whoever sends them makes up. */
const placeOf = (path: string): string => path.split(".", 1)[0] ?? path;

/** The beginning of a value, as JSON writes it. */
const operand = (value: unknown): string =>
  typeof value === "object" && value !== null ? (Array.isArray(value) ? "[" : "{") : JSON.stringify(value).slice(0, 40);

/** Letters, digits and hyphens alone are a sign of nothing: identifiers, slugs, numbers, single words. */
function isInert(text: string): boolean {
  return /^[A-Za-z0-9-]*$/.test(text) && !/^(?:rO0AB|AAEAAAD|ACED0005|aced0005|Tz[a-zA-Z0-9]{2,4}O)/.test(text);
}

/** A key that is no part of any sign: `__proto__`, `prototype` and whatever has punctuation are. */
const isPlainName = (key: string): boolean => /^[A-Za-z][A-Za-z0-9_-]*$/.test(key) && key !== "prototype";

/** An object or list inside a string, as itself or percent-encoded; undefined when there is none. */
function parseInside(text: string): unknown {
  const first = text.charCodeAt(0);
  const encoded = first === 0x25 && /^%(?:25)?(?:7b|5b)/i.test(text);
  if (first !== 0x7b && first !== 0x5b && !encoded) return undefined;
  const plain = encoded || (text.includes("%22") && !text.includes('"')) ? decodePercent(text) : text;
  if (!/[}\]]\s{0,8}$/.test(plain.slice(-16))) return undefined;
  try {
    return JSON.parse(plain);
  } catch {
    return undefined;
  }
}

/** Shorter than this says nothing in any of the languages. */
const base64CharactersMin = 8;
/** Payloads are short; a picture is not text anyway. */
const base64CharactersMax = 8192;

/** The text that a value is the base64 of, when it is one: printable ASCII, which random bytes are not. */
function readBase64(raw: string): string | null {
  if (raw.length < base64CharactersMin || raw.length > base64CharactersMax) return null;
  const text = /%(?:2[bf]|3d)/i.test(raw) ? decodePercent(raw) : raw;
  if (!/^[A-Za-z0-9+/_-]{4,8192}={0,2}$/.test(text)) return null;
  // Decoding the first few characters tells in most cases.
  if (!isPrintable(decode64(text.slice(0, 8)))) return null;
  const plain = decode64(text.replace(/=+$/, ""));
  return isPrintable(plain) && !/^[\w-]*$/.test(plain) ? plain : null;
}

function decode64(text: string): string {
  try {
    const whole = text.length - (text.length % 4 === 1 ? 1 : 0);
    return atob(text.slice(0, whole).replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "\0";
  }
}

const isPrintable = (text: string): boolean => /^[\t\n\r\x20-\x7e]+$/.test(text);

function collectPath(collection: Collection, rawPath: string): void {
  // Never inert: it begins with a slash.
  collection.push("path", rawPath, "path");
  for (const segment of rawPath.split("/")) {
    const hidden = readBase64(segment);
    if (hidden !== null) collection.push("path", hidden, "path");
  }
  if (/^[\w./~-]*$/.test(rawPath)) return;
  for (const segment of rawPath.split("/"))
    if (!/^[\w.~-]*$/.test(segment)) collection.value("path", segment, "path", base64DepthMax);
}

/** Names and values of a query or a form; percent-encoding is left to normalisation. Repeated names are also judged as one text. */
function collectPairs(collection: Collection, raw: string, place: "query" | "body"): void {
  if (raw === "") return;
  const nameTarget = place === "query" ? "query_name" : "body_key";
  const valueTarget = place === "query" ? "query_value" : "body_value";
  const repeated = new Map<string, string[]>();
  for (const pair of raw.split("&")) {
    const text = pair.replaceAll("+", " ");
    const equals = text.indexOf("=");
    const name = equals === -1 ? text : text.slice(0, equals);
    const value = equals === -1 ? "" : text.slice(equals + 1);
    const path = `${place}.${name}`;
    if (!isPlainName(name)) {
      if (place === "body") collection.push(nameTarget, path, place);
      collection.push(nameTarget, name, place);
    }
    if (collection.exempt.has(path)) continue;
    collection.value(valueTarget, value, path, 0);
    // In base64 a plus sign that nobody encoded is no space.
    const hidden = pair.includes("+") ? readBase64(pair.slice(pair.indexOf("=") + 1)) : null;
    if (hidden !== null) collection.value(valueTarget, hidden, path, base64DepthStep);
    const before = repeated.get(name);
    if (before === undefined) repeated.set(name, [value]);
    else before.push(value);
  }
  // Some servers join what is repeated, so a payload may come in pieces.
  for (const [name, values] of repeated)
    if (values.length > 1 && values.length <= 8 && values.some((value) => /[*'"<(]|%2[278a]|%3c/i.test(value)))
      collection.push(valueTarget, values.join(","), `${place}.${name}`);
}

/** Written by the browser or the network itself, or a credential that its own gate verifies. */
const unjudgedHeaders =
  /^(?:authorization|cookie|user-agent|referer|content-length|connection|accept-encoding|if-[a-z-]+|sec-.*|date|cf-.*|mf-.*|upgrade|upgrade-insecure-requests|dnt|te|priority|proxy-authorization|stripe-signature|x-hub-signature(?:-256)?|traceparent|tracestate|baggage|sentry-trace)$/;
/** Headers with a grammar of their own: judged when they have a character that it has no use for. */
const grammaticalHeaders =
  /^(?:accept|accept-language|accept-charset|content-type|cache-control|pragma|host|origin|range|expires|keep-alive|x-requested-with)$/;

function collectHeaders(collection: Collection, headers: Headers): void {
  for (const [name, value] of headers) {
    if (unjudgedHeaders.test(name)) continue;
    if (grammaticalHeaders.test(name) && /^[\w\s,;=.*/+:"()[\]-]*$/.test(value)) continue;
    collection.value("header", value, `header.${name}`, 0);
  }
  for (const [target, header] of [
    ["user_agent", "User-Agent"],
    ["referer", "Referer"],
  ] as const) {
    const value = headers.get(header);
    if (value !== null) collection.push(target, value, `header.${header.toLowerCase()}`);
  }
  // What a page before was asked stands in its address.
  const asked = headers.get("Referer")?.split("?", 2)[1];
  if (asked !== undefined)
    for (const pair of asked.split("&"))
      collection.push("referer", pair.slice(pair.indexOf("=") + 1).replaceAll("+", " "), "header.referer");
  for (const [name, value] of cookiePairs(headers)) {
    if (name === sessionCookieName || name === deviceCookieName) continue;
    collection.push("cookie", name, "cookie");
    collection.value("cookie", value, `cookie.${name}`, 0);
  }
}

function collectBody(collection: Collection, body: WafBody): void {
  switch (body.kind) {
    case "json":
      collection.walk(body.value, "body", 0, "body_value");
      return;
    case "form":
      collectPairs(collection, body.text, "body");
      return;
    case "multipart":
      for (const { name, fileName, content } of body.parts) {
        if (!isPlainName(name)) collection.push("body_key", `body.${name}`, "body");
        if (collection.exempt.has(`body.${name}`)) continue;
        if (fileName === null) collection.value("body_value", content, `body.${name}`, 0);
        else {
          collection.push("file_name", fileName, `body.${name}`);
          collection.push("file_content", content, `body.${name}`);
        }
      }
      return;
    case "xml":
      collectXml(collection, body.text);
      return;
    case "text":
      collection.value("body_value", body.text, "body", 0);
      // What does not say that it is a form is read as one by some all the same.
      if (/^[^\s=&]{1,80}=[^\s]{0,4096}$/.test(body.text)) collectPairs(collection, body.text, "body");
  }
}

/** The document as a whole for its declarations; then the text behind each tag, and each attribute's value. */
function collectXml(collection: Collection, xml: string): void {
  collection.push("file_content", xml, "body");
  for (const piece of xml.split("<").slice(1)) {
    const end = piece.startsWith("![CDATA[") ? 7 : piece.indexOf(">");
    if (end === -1) continue;
    collection.value("body_value", piece.slice(end + 1).replace(/\]\]>\s{0,8}$/, ""), "body", 0);
    for (const [, double, single] of piece.slice(0, end).matchAll(/="([^"]{1,4096})"|='([^']{1,4096})'/g))
      collection.value("body_value", double ?? single ?? "", "body", 0);
  }
}

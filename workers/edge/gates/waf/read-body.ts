import { decodeUtf8Leniently } from "./decode.ts";

/** One part of a multipart body. */
export interface FormPart {
  readonly name: string;
  /** Null for a field that is not a file. */
  readonly fileName: string | null;
  readonly content: string;
}

/** A body as its media type says it is to be read. What is not what it says is text. */
export type WafBody =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "form"; readonly text: string }
  | { readonly kind: "multipart"; readonly parts: readonly FormPart[] }
  | { readonly kind: "xml"; readonly text: string }
  | { readonly kind: "text"; readonly text: string };

/** Parts of one upload; a form has a tenth of it. */
const partsMax = 256;

/** The media type without its parameters, lower-case; empty when there is none. */
export function mediaTypeOf(contentType: string | null): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Reads a body for judging: never an error, for the one it is meant for may be less strict than we are. */
export function readBody(bytes: Uint8Array, contentType: string | null): WafBody {
  const mediaType = mediaTypeOf(contentType);
  const text = decodeBytes(bytes);
  if (mediaType.startsWith("multipart/")) {
    const boundary = /boundary\s?=\s?(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType ?? "");
    const mark = boundary?.[1] ?? boundary?.[2];
    return mark === undefined ? { kind: "text", text } : { kind: "multipart", parts: readParts(text, mark) };
  }
  if (mediaType === "application/x-www-form-urlencoded")
    return looksLikeJson(text) ? readJsonOr(text) : { kind: "form", text };
  if (/[/+]xml$/.test(mediaType)) return { kind: "xml", text };
  if (/[/+]json$/.test(mediaType) || looksLikeJson(text)) return readJsonOr(text);
  return mediaType === "" && /^\s{0,8}<\?xml/i.test(text) ? { kind: "xml", text } : { kind: "text", text };
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return decodeUtf8Leniently(bytes);
  }
}

const looksLikeJson = (text: string): boolean => /^\s{0,8}[{[]/.test(text) && /[}\]]\s{0,8}$/.test(text.slice(-16));

function readJsonOr(text: string): WafBody {
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return { kind: "text", text };
  }
}

/** RFC 7578. A part without an end is a part: what a strict parser drops a lenient one reads. */
function readParts(text: string, boundary: string): FormPart[] {
  const parts: FormPart[] = [];
  for (const piece of text.split(`--${boundary}`, partsMax + 1).slice(1)) {
    if (piece.startsWith("--")) break;
    const gap = /\r?\n\r?\n/.exec(piece);
    const head = gap === null ? piece : piece.slice(0, gap.index);
    const content = gap === null ? "" : piece.slice(gap.index + gap[0].length).replace(/\r?\n$/, "");
    const name = parameter(head, "name");
    const fileName = parameter(head, "filename");
    parts.push({ name: name ?? "", fileName, content });
  }
  return parts;
}

function parameter(head: string, name: string): string | null {
  const found = new RegExp(
    `[;\\s]${name}\\*?\\s?=\\s?(?:"((?:[^"\\\\]|\\\\.){0,1024})"?|'([^'\\n]{0,1024})'|([^\\s;]{0,1024}))`,
    "i",
  ).exec(head);
  return found === null ? null : (found[1] ?? found[2] ?? found[3] ?? "");
}

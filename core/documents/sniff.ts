/**
 * What a document is, by its bytes. What its uploader says of it is believed only where it narrows what the bytes
 * say, and never makes it less active: `text/csv` of a text, but not `image/png` of a page of HTML.
 *
 * A document is *active* when a browser, a viewer or an office program would run something in it, or when nobody can
 * tell. Too much counts rather than too little: all that follows is a warning, for every document is handed out the
 * same way, as an attachment that no browser opens as a page of ours.
 */
import { compoundFile, findSignature } from "./signatures.ts";
import type { ZipDirectory } from "./zip-directory.ts";

export interface Sniffed {
  readonly mediaType: string;
  readonly isActive: boolean;
}

/** Of a document's beginning: many times what any browser looks at to find out what it got. */
export const headBytes = 64 * 1024;

export interface Seen {
  /** The first {@link headBytes}, or all of it. */
  readonly head: Uint8Array;
  /** Bytes of the whole. */
  readonly size: number;
  /** Null: it doesn't end like a zip file. */
  readonly zip: ZipDirectory | null;
  /** A media type without parameters, in lower case. */
  readonly declared: string;
}

const unknown: Sniffed = { mediaType: "application/octet-stream", isActive: true };

/** Says what a document is. PDFs count as active here; whoever has read all of one knows better (pdf-actions.ts). */
export function sniff({ head, size, zip, declared }: Seen): Sniffed {
  const isPdf = isPdfHead(head);
  const isZip = startsWith(head, "PK\x03\x04") || startsWith(head, "PK\x05\x06");
  if (isZip) return isPdf ? unknown : sniffZip(zip, head, declared);
  // Two kinds at once: whoever checks it as one may open it as the other.
  const isTwo = zip !== null || isPdf;
  const found = findSignature(head);
  if (found !== null) return { mediaType: narrowed(found.mediaType, declared), isActive: found.isActive || isTwo };
  if (isPdf) return { mediaType: "application/pdf", isActive: true };
  if (zip !== null || size === 0) return size === 0 ? { mediaType: "text/plain", isActive: false } : unknown;
  const text = decodeText(head);
  return text === null ? unknown : sniffText(text, size, declared);
}

const startsWith = (head: Uint8Array, bytes: string): boolean =>
  Array.from(bytes).every((character, index) => head[index] === character.charCodeAt(0));

/** ISO 32000-2 asks for it at the very beginning; readers take it within the first 1,024 bytes. */
function isPdfHead(head: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(head.subarray(0, 1024 + 5)).includes("%PDF-");
}

/** What may be believed of what is declared. */
const narrowings: Readonly<Record<string, readonly string[]>> = {
  "text/plain": ["text/csv", "text/markdown", "text/tab-separated-values", "application/json", "text/calendar"],
  "video/x-matroska": ["video/webm"],
  "application/ogg": ["audio/ogg", "video/ogg"],
  [compoundFile]: ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"],
};

function narrowed(mediaType: string, declared: string): string {
  return narrowings[mediaType]?.includes(declared) === true ? declared : mediaType;
}

const openXml: readonly (readonly [folder: string, plain: string, withMacros: string])[] = [
  ["word/", "vnd.openxmlformats-officedocument.wordprocessingml.document", "vnd.ms-word.document.macroEnabled.12"],
  ["xl/", "vnd.openxmlformats-officedocument.spreadsheetml.sheet", "vnd.ms-excel.sheet.macroEnabled.12"],
  [
    "ppt/",
    "vnd.openxmlformats-officedocument.presentationml.presentation",
    "vnd.ms-powerpoint.presentation.macroEnabled.12",
  ],
];

/** Code, or what another program opens, in office files and elsewhere. Old macros of Excel are sheets. */
const activeEntry =
  /(^|\/)(vbaProject[^/]*\.bin|oleObject[^/]*|activeX[^/]*\.(bin|xml)|[^/]+\.(exe|dll|scr|com|bat|cmd|js|jse|vbs|vbe|wsf|hta|ps1|lnk|msi|jar|class|dex|html?|xhtml|svg|swf))$|^(Basic|Scripts)\/|(^|\/)(macrosheets|activeX|embeddings)\//i;

const openDocument = /^application\/vnd\.oasis\.opendocument\.[a-z-]{1,40}/;

function sniffZip(zip: ZipDirectory | null, head: Uint8Array, declared: string): Sniffed {
  // It begins like one and doesn't end like one, or hides what is in it.
  if (zip === null || zip === "unreadable") return { mediaType: "application/zip", isActive: true };
  const isActive = zip.some(({ name }) => activeEntry.test(name));
  const names = new Set(zip.map(({ name }) => name));
  if (names.has("[Content_Types].xml")) {
    const kind = openXml.find(([folder]) => zip.some(({ name }) => name.startsWith(folder)));
    const hasMacros = zip.some(({ name }) => /vbaProject[^/]*\.bin$/i.test(name));
    if (kind !== undefined) return { mediaType: `application/${hasMacros ? kind[2] : kind[1]}`, isActive };
  }
  // The first entry, stored as it is: OpenDocument 1.3 part 2, section 3.3.
  const first = new TextDecoder("latin1").decode(head.subarray(30, 30 + 8 + 128));
  const named = first.startsWith("mimetype") ? openDocument.exec(first.slice(8))?.[0] : undefined;
  if (named !== undefined) return { mediaType: named, isActive };
  if (first.startsWith("mimetypeapplication/epub+zip")) return { mediaType: "application/epub+zip", isActive: true };
  return { mediaType: narrowed("application/zip", declared), isActive };
}

/** Bytes that no text has (WHATWG MIME Sniffing, section 3, "binary data byte"). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const binary = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * The text of bytes: UTF-8, or UTF-16 that says so, or else what Windows wrote in the West.
 * @returns null when it is none
 */
export function decodeText(bytes: Uint8Array): string | null {
  const is = (...mark: number[]): boolean => mark.every((byte, index) => bytes[index] === byte);
  const encoding = is(0xff, 0xfe) ? "utf-16le" : is(0xfe, 0xff) ? "utf-16be" : isUtf8(bytes) ? "utf-8" : "windows-1252";
  const text = new TextDecoder(encoding).decode(bytes);
  return binary.test(text) ? null : text;
}

/** Cut off inside of a character it still is. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * What makes a browser, or a program that shows Markdown, do something. `+ADw-` is `<` in UTF-7, which some programs
 * that show mails and pages still guess.
 */
const markup =
  /\+ADw|<\s*(!doctype\s+html|html|head|body|script|svg|iframe|frame|object|embed|applet|meta|link|base|form|img|style|math|template|a\s)|\bjavascript:|[\s/"'`]on[a-z]{3,20}\s*=/i;
const activeXml = /<\?xml-stylesheet|<!(DOCTYPE|ENTITY)|http:\/\/www\.w3\.org\/(1999\/xhtml|2000\/svg|1999\/XSL)/i;
const htmlStart = /^<(!doctype\s+html|html|head|body|script|iframe|title|table|div|h1|p|br|a|font|style|b)[\s>]/i;
const svgStart = /^<(svg[\s>]|!doctype\s+svg)/i;

/** What a text begins with behind white space, comments and processing instructions. */
function firstTag(text: string): string {
  let rest = text.trimStart();
  for (;;) {
    const end = rest.startsWith("<!--") ? "-->" : rest.startsWith("<?") ? "?>" : null;
    const at = end === null ? -1 : rest.indexOf(end);
    if (end === null || at === -1) return rest.slice(0, 64);
    rest = rest.slice(at + end.length).trimStart();
  }
}

function sniffText(text: string, size: number, declared: string): Sniffed {
  const body = text.replace(/^\ufeff/, "");
  const first = firstTag(body);
  if (svgStart.test(first)) return { mediaType: "image/svg+xml", isActive: true };
  if (/^\s*<\?xml\s/.test(body)) {
    const isXhtml = /<html[\s>]/i.test(body);
    // What stands behind the head nobody has looked at.
    const isActive = isXhtml || size > headBytes || markup.test(body) || activeXml.test(body);
    return { mediaType: isXhtml ? "application/xhtml+xml" : "application/xml", isActive };
  }
  if (htmlStart.test(first)) return { mediaType: "text/html", isActive: true };
  if (body.startsWith("#!")) return { mediaType: "text/x-script", isActive: true };
  return { mediaType: narrowed("text/plain", declared), isActive: markup.test(body) };
}

/** What the scanner found, as bits: one for each rule that asks. */
export const htmlSigns = {
  script: 1,
  /** An attribute that runs when something happens. */
  handler: 2,
  /** An attribute that takes an address and is given a program. */
  scriptAddress: 4,
  /** An element that loads another page or program from anywhere. */
  active: 8,
  /** An element that does so given the right attributes, or that a page's text has no use for. */
  suspicious: 16,
  /** A style that runs or loads something. */
  style: 32,
} as const;
export type HtmlSigns = number;

/** Tags that are read in one text; a page has fewer than this in a field, and each costs one pass over itself. */
const tagsMax = 4096;
/** A value without quotes is read no further: tags inside it are read again, so this bounds the work of each. */
const bareValueMax = 2048;
/** Attributes of one tag. */
const attributesMax = 64;

/**
 * Reads lower-case text as a browser's tokeniser does: `<`, a letter, a name, attributes up to `>`. What
 * is not closed is read to the end, because the page that it lands in closes it. Every character is read once
 * or twice.
 */
export function scanHtml(text: string): HtmlSigns {
  let signs = 0;
  let at = text.indexOf("<");
  for (let left = tagsMax; at !== -1 && left > 0; left -= 1) {
    const tag = readTag(text, at);
    if (tag !== null) signs |= judgeTag(text, at, tag);
    at = text.indexOf("<", at + 1);
  }
  return signs;
}

interface Tag {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly end: number;
}

function readTag(text: string, at: number): Tag | null {
  // `< script` is no tag to a browser and is one to some filters in front of it, so it is written.
  const name = /^<[\s/\0]{0,3}((?:[a-z][a-z0-9:_-]{0,40})|\?(?:xml-stylesheet|import)|!--)/.exec(
    text.slice(at, at + 48),
  );
  if (name === null) return null;
  const found: Tag["attributes"][number][] = [];
  let end = at + name[0].length;
  for (let left = attributesMax; left > 0; left -= 1) {
    while (isBetween(text.charCodeAt(end))) end += 1;
    const code = text.charCodeAt(end);
    if (Number.isNaN(code) || code === 0x3e || code === 0x3c) break;
    const attribute = readAttribute(text, end);
    found.push([attribute.name, attribute.value]);
    end = attribute.end;
  }
  return { name: name[1] ?? "", attributes: found, end };
}

function readAttribute(text: string, from: number): { name: string; value: string; end: number } {
  let end = from;
  if (text[end] === "=") end += 1;
  while (end < text.length && !isNameEnd(text.charCodeAt(end))) end += 1;
  const name = text.slice(from, end);
  let after = end;
  while (isSpace(text.charCodeAt(after))) after += 1;
  if (text[after] !== "=") return { name, value: "", end: end === from ? from + 1 : end };
  after += 1;
  while (isSpace(text.charCodeAt(after))) after += 1;
  const quote = text[after];
  if (quote === '"' || quote === "'" || quote === "`") {
    const close = text.indexOf(quote, after + 1);
    // A quote that never closes would swallow the page; what follows it still counts as the value.
    const stop = close === -1 ? text.length : close;
    return { name, value: text.slice(after + 1, stop), end: stop + 1 };
  }
  end = after;
  const stop = Math.min(text.length, after + bareValueMax);
  while (end < stop && !isSpace(text.charCodeAt(end)) && text[end] !== ">") end += 1;
  return { name, value: text.slice(after, end), end };
}

const isSpace = (code: number): boolean => code <= 0x20;
/** Between attributes stand spaces, slashes, and quotes that a sloppy page leaves there. */
const isBetween = (code: number): boolean =>
  code <= 0x20 || code === 0x2f || code === 0x22 || code === 0x27 || code === 0x60;
const isNameEnd = (code: number): boolean =>
  code <= 0x20 || code === 0x3d || code === 0x3e || code === 0x2f || code === 0x3c;

const addressAttributes = new Set(
  "href src action formaction data xlink:href background poster dynsrc lowsrc content values to from srcdoc srcset code codebase archive cite longdesc profile usemap manifest ping folder style onclick".split(
    " ",
  ),
);
/** No text of a page needs these. */
const activeElements = new Set(
  "object embed applet frameset frame base bgsound isindex xss xml layer ilayer".split(" "),
);
const suspiciousElements = new Set(
  "svg math marquee animate set animatetransform animatemotion foreignobject link meta style form keygen xmp plaintext noscript template handler listener".split(
    " ",
  ),
);
/** Players and maps that editors embed; a frame of anything else is a page of somebody else's choice. */
const knownFrames =
  /^(?:https?:)?\/\/(?:(?:www\.|player\.|maps\.|open\.|w\.|docs\.|calendar\.|drive\.|m\.)?(?:youtube(?:-nocookie)?\.com|youtu\.be|vimeo\.com|google\.(?:com|co\.in|co\.uk|de)|spotify\.com|soundcloud\.com|dailymotion\.com|facebook\.com|instagram\.com|twitter\.com|slideshare\.net|codepen\.io|jsfiddle\.net|googletagmanager\.com|wistia\.net|loom\.com|typeform\.com|figma\.com|canva\.com|microsoft\.com|office\.com))\//;

/** Names that an attribute of ours may begin with `on` for and that run nothing. */
const harmlessOn = /^on(?:e|ce|line|ly|to|going|board|hold|key|-.{0,40}|[a-z]{0,2})$/;

/** JSX: a function or a name in braces. As HTML it would be a block that does nothing. */
const componentValue = /^\{\s?(?:async\s)?(?:\([\w\s,{}:[\]]{0,60}\)?\s?(?:=|$)|[a-z_$][\w.$]{0,60}\s?(?:\}|=>|$))/;

function judgeTag(text: string, at: number, tag: Tag): HtmlSigns {
  let signs = 0;
  const { name } = tag;
  if (name === "script" || name.endsWith(":script"))
    return isMention(text, at, tag.end) ? htmlSigns.suspicious : htmlSigns.script;
  if (name.startsWith("script") && /^script[^a-z0-9-]/.test(text.slice(at + 1, at + 9))) signs |= htmlSigns.script;
  if (name.startsWith("?")) signs |= htmlSigns.active;
  if (activeElements.has(name) && tag.attributes.length > 0) signs |= htmlSigns.active;
  if (suspiciousElements.has(name)) signs |= htmlSigns.suspicious;
  for (const [attribute, value] of tag.attributes) {
    if (
      /^["'`]{0,3}on[a-z]{3,40}\d?$/.test(attribute) &&
      !harmlessOn.test(attribute) &&
      value !== "" &&
      !componentValue.test(value)
    )
      signs |= htmlSigns.handler;
    if (value === "") continue;
    if (addressAttributes.has(attribute) && isScriptAddress(value)) signs |= htmlSigns.scriptAddress;
    if (attribute === "srcdoc") signs |= htmlSigns.active;
    if (attribute === "style" && isActiveStyle(value)) signs |= htmlSigns.style;
    if (name === "iframe" && attribute === "src" && !knownFrames.test(value))
      signs |= /^(?:https?:)?\/\//.test(value) ? htmlSigns.suspicious | htmlSigns.active : htmlSigns.active;
    if (name === "meta" && attribute === "http-equiv" && /^(?:refresh|set-cookie|link)/.test(value))
      signs |= htmlSigns.active;
    if (
      name === "link" &&
      attribute === "rel" &&
      /^(?:stylesheet|import)/.test(value) &&
      /href\s?=\s?["']?\s?(?:https?:)?\/\//.test(text.slice(at, tag.end))
    )
      signs |= htmlSigns.suspicious;
    if (
      (name === "set" || name.startsWith("animate")) &&
      attribute === "attributename" &&
      /^(?:on|href|xlink)/.test(value)
    )
      signs |= htmlSigns.active;
  }
  if (name === "style" && isActiveStyle(text.slice(tag.end, tag.end + 2048))) signs |= htmlSigns.style;
  return signs;
}

/** `` `<script>` `` in prose: named, not opened, and nothing follows that closes it. */
function isMention(text: string, at: number, end: number): boolean {
  return text[at - 1] === "`" && text[end] === ">" && text[end + 1] === "`" && !text.includes("</script", end);
}

/** `javascript:` and its kin as a browser reads them: controls and spaces inside the scheme don't count. */
export function isScriptAddress(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop these
  const squeezed = value.slice(0, 512).replace(/[\x00-\x20\u00a0\ufffd"'`\\]/g, "");
  if (
    /^(?:\/\*[^*]{0,40}\*\/)?(?:javascript|vbscript|livescript|mocha|feed:javascript|view-source:javascript):/.test(
      squeezed,
    )
  )
    return !/^javascript:(?:;|\/\/|void\(?0?\)?;?|history\.(?:back\(\)|go\(-\d\));?)?$/.test(squeezed);
  if (
    /^data:(?:text\/html|text\/xml|application\/(?:xhtml|xml|x-javascript|javascript)|text\/javascript|,|;|text\/x-|image\/svg\+xml[^,]{0,40},(?:<svg|%3csvg)[^>]{0,200}on)/.test(
      squeezed,
    )
  )
    return true;
  return /(?:;|^|,|\d)url=?\(?(?:javascript|vbscript|data:text\/html)/.test(squeezed);
}

function isActiveStyle(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop these
  const squeezed = value.slice(0, 2048).replace(/\/\*[^*]{0,80}\*\/|[\x00-\x20\\]/g, "");
  return /expression\(|-moz-binding:|behaviou?r:url|url\(["']?(?:javascript|vbscript|data:text)|@import["']?(?:url|["']?(?:https?:|\/\/))/.test(
    squeezed,
  );
}

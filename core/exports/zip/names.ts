/**
 * Names of entries. Whoever named a document is not whoever unpacks it: no name leaves the folder in which it is
 * unpacked, means a device or a stream to Windows, is two files to one system and one to another, or shows something
 * else than it is.
 */

/** Of the whole name in UTF-8: file systems take 255, and programs add to it. */
const nameBytesMax = 200;
/** Of an ending with its dot, in characters: longer ones are none. */
const endingCharactersMax = 12;

/** What Windows takes for something else, folders' separators, controls, what is not there, and halves of pairs. */
const forbidden = /[<>:"/\\|?*\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** What has no shape and may turn round what stands beside it. Joiners shape Indian words, and stay. */
const invisible = /(?![\u200c\u200d])\p{Cf}/gu;
/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file; the little figures count too. */
const device = /^(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\.|$)/i;

/**
 * A name that is good everywhere, and nobody else's: it has the document's id in it.
 * @param name as people gave it
 */
export function archiveName(name: string, id: string): string {
  const clean = name
    .normalize("NFC")
    .toWellFormed()
    .replaceAll(invisible, "")
    .replaceAll(forbidden, "_")
    .replaceAll(/\s+/gu, " ")
    .replace(/^[.\s]+/u, "");
  const found = /^(.*[^.\s])(\.[\p{L}\p{N}]+)$/u.exec(clean);
  const ending = found?.[2] ?? "";
  const [stem, kept] = ending.length <= endingCharactersMax ? [found?.[1] ?? clean, ending] : [clean, ""];
  const tail = ` (${id})${kept}`;
  const short = shortened(stem, nameBytesMax - new TextEncoder().encode(tail).length).replace(/[.\s]+$/u, "");
  const named = short === "" ? "document" : short;
  return `${device.test(`${named}${tail}`) || device.test(named) ? "_" : ""}${named}${tail}`;
}

/** As much of a text as so many bytes hold, whole characters alone. */
function shortened(text: string, bytesMax: number): string {
  const encoder = new TextEncoder();
  let [out, bytes] = ["", 0];
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > bytesMax) break;
    out += character;
  }
  return out;
}

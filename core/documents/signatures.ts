/**
 * How files of a kind begin. A table of our own and no library's: what counts here are kinds that run something, and
 * a library that knows two hundred kinds decompresses what strangers sent to tell them apart.
 */

/** What a file is by its first bytes. */
export interface Signature {
  readonly mediaType: string;
  /** An office program, a browser or the system would run something in it, or nobody could tell. */
  readonly isActive: boolean;
}

interface Pattern extends Signature {
  /** From where in the file, and bytes as Latin-1; all of them must be there. */
  readonly at: readonly (readonly [offset: number, bytes: string])[];
}

const passive = (mediaType: string, ...at: Pattern["at"]): Pattern => ({ mediaType, isActive: false, at });
const active = (mediaType: string, ...at: Pattern["at"]): Pattern => ({ mediaType, isActive: true, at });

/** Office programs of before 2007, installers, mails of Outlook: a file system in a file. */
export const compoundFile = "application/x-ole-storage";
const executable = "application/x-executable";

/** The first that fits. Zip, PDF and text are not among them: their beginning alone says too little. */
const patterns: readonly Pattern[] = [
  passive("image/png", [0, "\x89PNG\r\n\x1a\n"]),
  passive("image/jpeg", [0, "\xff\xd8\xff"]),
  passive("image/gif", [0, "GIF87a"]),
  passive("image/gif", [0, "GIF89a"]),
  passive("image/webp", [0, "RIFF"], [8, "WEBP"]),
  passive("image/tiff", [0, "II*\0"]),
  passive("image/tiff", [0, "MM\0*"]),
  passive("image/heic", [4, "ftyphei"]),
  passive("image/heic", [4, "ftypmif1"]),
  passive("image/avif", [4, "ftypavif"]),
  passive("image/bmp", [0, "BM"], [6, "\0\0\0\0"]),
  passive("image/x-icon", [0, "\0\0\x01\0"]),
  passive("audio/mp4", [4, "ftypM4A"]),
  passive("video/quicktime", [4, "ftypqt"]),
  passive("video/mp4", [4, "ftyp"]),
  passive("audio/wav", [0, "RIFF"], [8, "WAVE"]),
  passive("video/x-msvideo", [0, "RIFF"], [8, "AVI "]),
  passive("audio/mpeg", [0, "ID3"]),
  passive("audio/mpeg", [0, "\xff\xfb"]),
  passive("audio/flac", [0, "fLaC"]),
  passive("audio/midi", [0, "MThd"]),
  passive("application/ogg", [0, "OggS"]),
  passive("video/x-matroska", [0, "\x1a\x45\xdf\xa3"]),
  passive("application/gzip", [0, "\x1f\x8b"]),
  passive("application/x-7z-compressed", [0, "7z\xbc\xaf\x27\x1c"]),
  passive("application/vnd.rar", [0, "Rar!\x1a\x07"]),
  passive("application/x-bzip2", [0, "BZh"]),
  passive("application/x-xz", [0, "\xfd7zXZ\0"]),
  passive("application/zstd", [0, "\x28\xb5\x2f\xfd"]),
  passive("application/x-tar", [257, "ustar"]),
  passive("application/vnd.sqlite3", [0, "SQLite format 3\0"]),
  passive("font/woff", [0, "wOFF"]),
  passive("font/woff2", [0, "wOF2"]),
  // Macros, and nothing but reading all of it says whether there are any.
  active(compoundFile, [0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
  // Objects of other programs.
  active("application/rtf", [0, "{\\rtf"]),
  active("application/postscript", [0, "%!"]),
  active("application/x-shockwave-flash", [0, "FWS"]),
  active("application/x-shockwave-flash", [0, "CWS"]),
  active("application/x-shockwave-flash", [0, "ZWS"]),
  active("application/vnd.microsoft.portable-executable", [0, "MZ"]),
  active("application/x-ms-shortcut", [0, "L\0\0\0\x01\x14\x02\0"]),
  active(executable, [0, "\x7fELF"]),
  active(executable, [0, "\xca\xfe\xba\xbe"]),
  active(executable, [0, "\xfe\xed\xfa\xce"]),
  active(executable, [0, "\xfe\xed\xfa\xcf"]),
  active(executable, [0, "\xce\xfa\xed\xfe"]),
  active(executable, [0, "\xcf\xfa\xed\xfe"]),
  active("application/wasm", [0, "\0asm"]),
];

/** What a file's first bytes say; null when none of the table's kinds begins so. */
export function findSignature(head: Uint8Array): Signature | null {
  const isAt = ([offset, bytes]: readonly [number, string]): boolean =>
    Array.from(bytes).every((character, index) => head[offset + index] === character.charCodeAt(0));
  return patterns.find(({ at }) => at.every(isAt)) ?? null;
}

/** What people call a kind of file. */
const names: readonly (readonly [type: RegExp, name: string])[] = [
  [/^application\/pdf$/, "PDF"],
  [/wordprocessingml|msword|ms-word/, "Word document"],
  [/spreadsheetml|ms-excel/, "Excel workbook"],
  [/presentationml|ms-powerpoint/, "PowerPoint presentation"],
  [/opendocument\.text/, "Text document"],
  [/opendocument\.spreadsheet/, "Spreadsheet"],
  [/opendocument\.presentation/, "Presentation"],
  [/^text\/csv$/, "CSV table"],
  [/^text\/markdown$/, "Markdown"],
  [/^text\/html$|xhtml/, "Web page"],
  [/^image\/svg/, "SVG drawing"],
  [/^application\/(zip|gzip|x-7z|vnd\.rar|x-tar|x-bzip2|x-xz|zstd)/, "Archive"],
  [/executable|wasm|shortcut|^text\/x-script$/, "Program"],
  [/^image\//, "Picture"],
  [/^audio\//, "Sound"],
  [/^video\//, "Video"],
  [/^text\//, "Text"],
  [/json|xml/, "Data file"],
];

export function mediaTypeName(type: string): string {
  return names.find(([pattern]) => pattern.test(type))?.[1] ?? "File";
}

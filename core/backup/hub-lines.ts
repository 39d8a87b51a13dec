/** A hub's copied pages → lines as COPY writes them: the object's name, and `["table", {column: value}]` as JSON. */
import type { HubExport } from "../rpc/hub-backup.ts";

const newline = 0x0a;

/**
 * Reads what one export holds, in order.
 * @param read one page of one object
 * @throws Error when an object's pages end inside of a row
 */
export async function* hubLines(
  { objects }: Pick<HubExport, "objects">,
  read: (object: string, page: number) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const { object, pages } of objects) {
    // A line may be cut in two, inside of a character even.
    let rest = new Uint8Array();
    for (let page = 0; page < pages; page += 1) {
      const bytes = joined(rest, await read(object, page));
      const end = bytes.lastIndexOf(newline) + 1;
      rest = bytes.slice(end);
      if (end > 0) yield escaped(object, new TextDecoder().decode(bytes.subarray(0, end)));
    }
    if (rest.length > 0) throw new Error("the hub's copy ends inside of a row");
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** JSON has no tab or line end of its own, so the backslash is all that COPY's text form has to escape. */
function escaped(object: string, lines: string): Uint8Array<ArrayBuffer> {
  const rows = lines.split("\n").slice(0, -1);
  return new TextEncoder().encode(rows.map((row) => `${object}\t${row.replaceAll("\\", "\\\\")}\n`).join(""));
}

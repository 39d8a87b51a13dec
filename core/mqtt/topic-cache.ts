import { decodeName } from "./utf8.ts";

/** A device publishes to a handful of topics. */
const entriesMax = 8;
/** Longer ones are decoded each time: so a stream remembers 4 KiB of topics at most. */
const topicBytesMax = 512;

interface Entry {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * The topics that a stream carried last, so that one which comes again is neither decoded nor checked
 * again, and is the same string: looking it up in a Map costs no comparison of characters.
 */
export class TopicCache {
  /** Latest found first. Invariant: at most `entriesMax`, no two with the same bytes. */
  private readonly entries: Entry[] = [];

  /**
   * The topic between two offsets.
   * @throws FieldRefused when it is no name (`decodeName`)
   */
  read(bytes: Uint8Array, start: number, end: number): string {
    const { entries } = this;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index] as Entry;
      if (!isSame(entry.bytes, bytes, start, end)) continue;
      if (index > 0) this.moveToFront(entry, index);
      return entry.text;
    }
    const text = decodeName(bytes, start, end);
    if (end - start > topicBytesMax) return text;
    const entry = { bytes: new Uint8Array(bytes.subarray(start, end)), text };
    if (entries.length < entriesMax) entries.push(entry);
    this.moveToFront(entry, entries.length - 1);
    return text;
  }

  private moveToFront(entry: Entry, from: number): void {
    this.entries.copyWithin(1, 0, from);
    this.entries[0] = entry;
  }
}

/** Back to front: the topics of one device differ at their ends. */
function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let left = known.length;
  if (left !== end - start) return false;
  for (let at = end; left > 0; ) if (known[--left] !== bytes[--at]) return false;
  return true;
}

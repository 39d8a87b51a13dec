/**
 * Uploads that were begun here, so that they can go on after the page was loaded anew. The browser gives a file's
 * bytes to nobody then: the person chooses it again, and it is taken for the same by name, size and time of change.
 * Nothing here opens anything: ids alone, of which the server checks each.
 */
import * as z from "zod/mini";

const unfinishedSchema = z.object({
  org: z.string(),
  /** Who began it: nobody else at this machine is shown what it is called. */
  user: z.string(),
  document: z.string(),
  upload: z.string(),
  name: z.string(),
  size: z.number(),
  /** Unix milliseconds. */
  lastModified: z.number(),
});
export type Unfinished = z.infer<typeof unfinishedSchema>;

const storageKey = "sentinel-uploads";
/** The server ends uploads after a day; more than these at once nobody has. */
const keptMax = 50;

export type KeyValueStorage = Pick<Storage, "getItem" | "setItem">;

export function readUnfinished(storage: KeyValueStorage): Unfinished[] {
  try {
    const read = z.array(unfinishedSchema).safeParse(JSON.parse(storage.getItem(storageKey) ?? "[]"));
    return read.success ? read.data : [];
  } catch {
    return [];
  }
}

export function keepUnfinished(storage: KeyValueStorage, added: Unfinished): void {
  write(storage, [...readUnfinished(storage), added].slice(-keptMax));
}

export function forgetUnfinished(storage: KeyValueStorage, upload: string): void {
  write(
    storage,
    readUnfinished(storage).filter((each) => each.upload !== upload),
  );
}

export function forgetAllUnfinished(storage: KeyValueStorage): void {
  write(storage, []);
}

function write(storage: KeyValueStorage, all: readonly Unfinished[]): void {
  try {
    storage.setItem(storageKey, JSON.stringify(all));
  } catch {
    // A full or forbidden storage costs resuming after a reload, and nothing else.
  }
}

export function isSameFile(file: Pick<File, "name" | "size" | "lastModified">, known: Unfinished): boolean {
  return file.name === known.name && file.size === known.size && file.lastModified === known.lastModified;
}

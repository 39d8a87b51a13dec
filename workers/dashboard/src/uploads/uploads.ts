/** The uploads of this page, whatever part of it is on screen. */
import type { Document, Upload } from "../api/documents.ts";
import { isProblem } from "../api/problem.ts";
import { sendMissing, type TransferSteps } from "./transfer.ts";
import {
  forgetAllUnfinished,
  forgetUnfinished,
  isSameFile,
  type KeyValueStorage,
  keepUnfinished,
  readUnfinished,
  type Unfinished,
} from "./unfinished.ts";

/** `file_wanted`: of before the page was loaded; it goes on when the same file is chosen. */
export type UploadState = "sending" | "checking" | "paused" | "file_wanted" | "failed" | "done";

/** Whose an upload is. */
export interface UploadOwner {
  readonly org: string;
  readonly user: string;
}

export interface UploadItem extends UploadOwner {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  readonly state: UploadState;
  /** Of `failed`; or that another file was chosen. */
  readonly error: unknown;
  /** Null: of a new document that is not complete yet. */
  readonly document: string | null;
}

export interface UploadApi extends Pick<TransferSteps, "wait"> {
  begin(org: string, document: string | null, file: File, key: string): Promise<Upload>;
  find(org: string, document: string, upload: string, signal: AbortSignal): Promise<Upload>;
  sendPart(
    place: { readonly org: string; readonly document: string; readonly upload: string; readonly part: number },
    bytes: Blob,
    options: { readonly signal: AbortSignal; readonly onSent: (bytes: number) => void },
  ): Promise<void>;
  complete(org: string, document: string, upload: string): Promise<Document>;
  cancel(org: string, document: string, upload: string): Promise<void>;
}

/** What an item's owner, this class, knows besides. */
interface Work {
  readonly file: File | null;
  readonly versionOf: string | null;
  /** Null: not begun yet, or over at the server, which is not asked for it again. */
  readonly upload: { readonly id: string; readonly document: string } | null;
  readonly abort: AbortController | null;
}

/** The server has ended it, so that it can't go on and needs no giving up. */
const isOver = (error: unknown): boolean => isProblem(error, "not_found") || isProblem(error, "harmful_document");

export class Uploads {
  readonly #api: UploadApi;
  readonly #storage: KeyValueStorage;
  readonly #listeners = new Set<() => void>();
  /** Written by `#change` alone, with the items; each has one. */
  readonly #work = new Map<string, Work>();
  #items: readonly UploadItem[] = [];

  constructor(api: UploadApi, storage: KeyValueStorage) {
    this.#api = api;
    this.#storage = storage;
    for (const known of readUnfinished(storage)) this.#restore(known);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly items = (): readonly UploadItem[] => this.#items;

  /** Begins. @param document of which these are a version; null: each is a new document */
  add({ org, user }: UploadOwner, files: readonly File[], document: string | null): void {
    for (const file of files) {
      const key = crypto.randomUUID();
      this.#work.set(key, { file, versionOf: document, upload: null, abort: null });
      const { name, size } = file;
      this.#set([...this.#items, { key, org, user, name, size, sent: 0, state: "sending", error: null, document }]);
      void this.#run(key);
    }
  }

  pause(key: string): void {
    this.#work.get(key)?.abort?.abort();
  }

  /** Goes on. @param file when the item wants one */
  resume(key: string, file: File | null = null): void {
    const [item, work] = [this.#find(key), this.#work.get(key)];
    if (item === undefined || work === undefined || item.state === "sending" || item.state === "checking") return;
    if (isOver(item.error)) return;
    const known = readUnfinished(this.#storage).find(({ upload }) => upload === work.upload?.id);
    if (work.file === null && (file === null || known === undefined || !isSameFile(file, known))) {
      this.#change(key, { error: new Error(`That is not the file that was begun: “${item.name}”.`) });
      return;
    }
    this.#work.set(key, { ...work, file: work.file ?? file });
    void this.#run(key);
  }

  /** Gives it up, here and there; what is over only leaves the list. */
  async cancel(key: string): Promise<void> {
    const [item, work] = [this.#find(key), this.#work.get(key)];
    if (item === undefined || work === undefined) return;
    work.abort?.abort();
    this.#set(this.#items.filter((each) => each.key !== key));
    this.#work.delete(key);
    if (work.upload === null || item.state === "done") return;
    forgetUnfinished(this.#storage, work.upload.id);
    // The server ends it after a day in any case.
    await this.#api.cancel(item.org, work.upload.document, work.upload.id).catch(() => undefined);
  }

  /** Stops and forgets all of them here: whoever signs out leaves nothing to read at this machine. */
  clear(): void {
    for (const { abort } of this.#work.values()) abort?.abort();
    this.#work.clear();
    forgetAllUnfinished(this.#storage);
    this.#set([]);
  }

  async #run(key: string): Promise<void> {
    const [item, before] = [this.#find(key), this.#work.get(key)];
    const file = before?.file ?? null;
    if (item === undefined || before === undefined || file === null) return;
    const abort = new AbortController();
    const { signal } = abort;
    this.#work.set(key, { ...before, abort });
    this.#change(key, { state: "sending", error: null });
    try {
      const upload = await this.#openUpload(item, file, signal);
      const place = { org: item.org, document: upload.document_id, upload: upload.id };
      const send: TransferSteps["send"] = (part, bytes, stop, onSent) =>
        this.#api.sendPart({ ...place, part }, bytes, { signal: stop, onSent });
      const onSent = (sent: number): void => this.#change(key, { sent });
      await sendMissing(file, upload, { send, wait: (ms, stop) => this.#api.wait(ms, stop) }, { signal, onSent });
      signal.throwIfAborted();
      this.#change(key, { state: "checking" });
      const { id } = await this.#api.complete(place.org, place.document, place.upload);
      forgetUnfinished(this.#storage, upload.id);
      this.#change(key, { state: "done", document: id });
    } catch (error) {
      if (signal.aborted) this.#change(key, { state: "paused" });
      else this.#fail(key, error);
    }
  }

  async #openUpload({ key, org, user }: UploadItem, file: File, signal: AbortSignal): Promise<Upload> {
    const work = this.#work.get(key);
    if (work?.upload != null) return this.#api.find(org, work.upload.document, work.upload.id, signal);
    // The same key as often as it is tried: begun twice it would be two documents.
    const upload = await this.#api.begin(org, work?.versionOf ?? null, file, key);
    const [id, document] = [upload.id, upload.document_id];
    const { name, size, lastModified } = file;
    keepUnfinished(this.#storage, { org, user, document, upload: id, name, size, lastModified });
    const now = this.#work.get(key);
    if (now === undefined) {
      // Given up while it began.
      forgetUnfinished(this.#storage, id);
      await this.#api.cancel(org, document, id).catch(() => undefined);
    } else this.#work.set(key, { ...now, upload: { id, document } });
    signal.throwIfAborted();
    return upload;
  }

  #fail(key: string, error: unknown): void {
    const work = this.#work.get(key);
    if (work?.upload != null && isOver(error)) {
      forgetUnfinished(this.#storage, work.upload.id);
      this.#work.set(key, { ...work, upload: null });
    }
    this.#change(key, { state: "failed", error });
  }

  #restore({ org, user, document, upload, name, size }: Unfinished): void {
    this.#work.set(upload, { file: null, versionOf: null, upload: { id: upload, document }, abort: null });
    const item: UploadItem = {
      key: upload,
      org,
      user,
      name,
      size,
      sent: 0,
      state: "file_wanted",
      error: null,
      document: null,
    };
    this.#items = [...this.#items, item];
  }

  #find(key: string): UploadItem | undefined {
    return this.#items.find((item) => item.key === key);
  }

  #change(key: string, change: Partial<UploadItem>): void {
    this.#set(this.#items.map((item) => (item.key === key ? { ...item, ...change } : item)));
  }

  #set(items: readonly UploadItem[]): void {
    this.#items = items;
    for (const listener of this.#listeners) listener();
  }
}

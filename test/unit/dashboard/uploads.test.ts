import { describe, expect, it, vi } from "vitest";
import type { Upload } from "../../../workers/dashboard/src/api/documents.ts";
import { ApiProblem, clientProblem } from "../../../workers/dashboard/src/api/problem.ts";
import { mediaTypeName } from "../../../workers/dashboard/src/format/media-type.ts";
import { waitAfter } from "../../../workers/dashboard/src/uploads/transfer.ts";
import { readUnfinished } from "../../../workers/dashboard/src/uploads/unfinished.ts";
import { type UploadApi, type UploadItem, Uploads } from "../../../workers/dashboard/src/uploads/uploads.ts";

const partBytes = 10;

/** The server's side of it: what arrived, and what it is told to do next. */
class Server implements UploadApi {
  readonly parts = new Map<number, string>();
  size = 0;
  begun = 0;
  waits: number[] = [];
  completed = 0;
  cancelled = 0;
  /** Called before a part arrives; what it throws is the answer. */
  onPart: (part: number, signal: AbortSignal) => void | Promise<void> = () => undefined;
  onComplete: () => void = () => undefined;

  #view(): Upload {
    const part_count = Math.max(1, Math.ceil(this.size / partBytes));
    const parts = [...this.parts.keys()].sort();
    return { id: "upl_1", document_id: "doc_1", size_bytes: this.size, part_bytes: partBytes, part_count, parts };
  }
  async begin(_org: string, _document: string | null, file: File): Promise<Upload> {
    this.begun += 1;
    this.size = file.size;
    return this.#view();
  }
  async find(): Promise<Upload> {
    return this.#view();
  }
  sendPart: UploadApi["sendPart"] = async ({ part }, bytes, { signal, onSent }) => {
    await this.onPart(part, signal);
    signal.throwIfAborted();
    onSent(bytes.size);
    this.parts.set(part, await bytes.text());
  };
  complete: UploadApi["complete"] = async () => {
    this.onComplete();
    this.completed += 1;
    return { id: "doc_1" } as Awaited<ReturnType<UploadApi["complete"]>>;
  };
  async cancel(): Promise<void> {
    this.cancelled += 1;
  }
  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
  }
  content(): string {
    return [...this.parts]
      .sort(([one], [other]) => one - other)
      .map(([, text]) => text)
      .join("");
  }
}

function newStorage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

const me = { org: "org_1", user: "usr_1" };
const text = "0123456789abcdefghijKLMNOPQRST.";
const newFile = (content = text, name = "notes.txt"): File =>
  new File([content], name, { lastModified: 1_790_000_000_000 });
const problem = (status: number, code: string, retryAfterSeconds: number | null = null): ApiProblem =>
  new ApiProblem({
    ...clientProblem("network_error", code, "", status, null),
    code: code as "network_error",
    retryAfterSeconds,
  });
const stateOf = async (uploads: Uploads, state: UploadItem["state"]): Promise<UploadItem> =>
  vi.waitFor(() => {
    const item = uploads.items()[0];
    if (item?.state !== state) throw new Error(`it is ${item?.state}`);
    return item;
  }, 60_000);

describe("an upload", { timeout: 120_000 }, () => {
  it("sends every part once, in order, and completes", async () => {
    const server = new Server();
    const storage = newStorage();
    const uploads = new Uploads(server, storage);
    uploads.add(me, [newFile()], null);
    expect(await stateOf(uploads, "done")).toMatchObject({ sent: text.length, document: "doc_1" });
    expect([...server.parts.keys()]).toEqual([1, 2, 3, 4]);
    expect(server.content()).toBe(text);
    expect(readUnfinished(storage)).toEqual([]);
  });

  it("sends what has no bytes as one part of none", async () => {
    const server = new Server();
    const uploads = new Uploads(server, newStorage());
    uploads.add(me, [newFile("")], null);
    await stateOf(uploads, "done");
    expect([...server.parts]).toEqual([[1, ""]]);
  });

  it("stops at a pause and goes on with what is missing", async () => {
    const server = new Server();
    const uploads = new Uploads(server, newStorage());
    server.onPart = (part) => {
      if (part === 3) uploads.pause(uploads.items()[0]!.key);
    };
    uploads.add(me, [newFile()], null);
    const { key } = await stateOf(uploads, "paused");
    expect([...server.parts.keys()]).toEqual([1, 2]);
    const sent: number[] = [];
    server.onPart = (part) => void sent.push(part);
    uploads.resume(key);
    await stateOf(uploads, "done");
    expect(sent).toEqual([3, 4]);
    expect(server).toMatchObject({ begun: 1, completed: 1 });
    expect(server.content()).toBe(text);
  });

  it("goes on after a reload with the same file, and with no other", async () => {
    const server = new Server();
    const storage = newStorage();
    const before = new Uploads(server, storage);
    server.onPart = (part) => {
      if (part === 2) before.pause(before.items()[0]!.key);
    };
    before.add(me, [newFile()], null);
    await stateOf(before, "paused");

    const after = new Uploads(server, storage);
    const item = await stateOf(after, "file_wanted");
    expect(item).toMatchObject({ ...me, name: "notes.txt", size: text.length });
    server.onPart = () => undefined;
    after.resume(item.key, newFile(`${text.slice(0, -1)}!`, "other.txt"));
    after.resume(item.key, newFile(`${text}!`));
    after.resume(item.key, new File([text], "notes.txt", { lastModified: 1 }));
    expect(after.items()[0]).toMatchObject({ state: "file_wanted", error: expect.any(Error) });
    expect([...server.parts.keys()]).toEqual([1]);
    after.resume(item.key, newFile());
    await stateOf(after, "done");
    expect(server.content()).toBe(text);
    expect(readUnfinished(storage)).toEqual([]);
  });

  it("tries again what is likely to pass, as late as it was told to, and gives up at last", async () => {
    const server = new Server();
    const uploads = new Uploads(server, newStorage());
    const answers = [problem(0, "network_error"), problem(503, "unavailable"), problem(429, "rate_limited", 7)];
    server.onPart = () => {
      const next = answers.shift();
      if (next !== undefined) throw next;
    };
    uploads.add(me, [newFile()], null);
    await stateOf(uploads, "done");
    expect(server.waits).toEqual([1000, 2000, 7000]);

    server.onPart = () => {
      throw problem(0, "network_error");
    };
    const failing = new Uploads(server, newStorage());
    server.parts.clear();
    failing.add(me, [newFile()], null);
    expect(await stateOf(failing, "failed")).toMatchObject({ error: expect.any(ApiProblem) });
  });

  it.each([400, 401, 403, 404, 413, 422, 500])("does not try %i again", (status) => {
    expect(waitAfter(problem(status, "x"), 1)).toBeNull();
  });

  it("says why a document was not kept, and does not offer it again", async () => {
    const server = new Server();
    const storage = newStorage();
    const uploads = new Uploads(server, storage);
    server.onComplete = () => {
      throw problem(422, "harmful_document");
    };
    uploads.add(me, [newFile()], null);
    const { key } = await stateOf(uploads, "failed");
    expect(new Uploads(server, storage).items()).toEqual([]);
    // Nor is the server asked to end what it has ended.
    uploads.resume(key);
    await uploads.cancel(key);
    expect(uploads.items()).toEqual([]);
    expect(server).toMatchObject({ begun: 1, cancelled: 0 });
  });

  it("is given up here and at the server, also while it sends", async () => {
    const server = new Server();
    const storage = newStorage();
    const uploads = new Uploads(server, storage);
    server.onPart = () => uploads.cancel(uploads.items()[0]!.key);
    uploads.add(me, [newFile()], null);
    await vi.waitFor(() => expect(server.cancelled).toBe(1), 60_000);
    expect(uploads.items()).toEqual([]);
    expect(readUnfinished(storage)).toEqual([]);
    expect(server.completed).toBe(0);
  });

  it("leaves nothing at this machine when its person signs out", async () => {
    const server = new Server();
    const storage = newStorage();
    const uploads = new Uploads(server, storage);
    server.onPart = (part) => {
      if (part === 2) uploads.clear();
    };
    uploads.add(me, [newFile()], null);
    await vi.waitFor(() => expect(uploads.items()).toEqual([]), 60_000);
    expect(readUnfinished(storage)).toEqual([]);
    // What was on its way when it was cleared neither arrives nor comes back.
    await new Promise((resolve) => setImmediate(resolve));
    expect([[...server.parts.keys()], server.completed, uploads.items()]).toEqual([[1], 0, []]);
  });

  it("reads nothing from a storage that somebody else wrote", () => {
    for (const value of ["", "{", "{}", '[{"org":1}]', "null"]) {
      expect(readUnfinished({ getItem: () => value, setItem: () => undefined })).toEqual([]);
    }
  });
});

describe("what people call a kind", () => {
  it.each([
    ["application/pdf", "PDF"],
    ["application/vnd.ms-word.document.macroEnabled.12", "Word document"],
    ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel workbook"],
    ["image/svg+xml", "SVG drawing"],
    ["application/xhtml+xml", "Web page"],
    ["text/csv", "CSV table"],
    ["application/octet-stream", "File"],
  ])("%s is a %s", (type, name) => expect(mediaTypeName(type)).toBe(name));
});

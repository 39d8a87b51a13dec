/** PDFs through the whole system: those that people print, and one that was made to take for ever. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pdfOfBackwards } from "../support/pdf/make.ts";
import { printedPdf } from "../support/pdf/printed.ts";
import { type Api, eventually, signIn } from "./support/api.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { done } from "./support/things.ts";

/** For something that hangs. */
const endedMsMax = 600_000;

let stack: StackProcess;
let api: Api;
let at: string;
beforeAll(async () => {
  stack = await startStackProcess(freshStateDir(), ["--no-agent"]);
  const { url, org, owner } = stack.description;
  ({ api } = await signIn(url, owner.email, owner.password, `/api/v1/orgs/${org.slug}`));
  at = `/api/v1/orgs/${org.slug}/documents`;
});
afterAll(() => stack?.discard());

/** @returns its id, and what became of its text */
async function upload(name: string, bytes: Buffer): Promise<{ id: string; text: string | null }> {
  const begun = await done(
    api.send<{ id: string; document_id: string }>("POST", at, { name, size_bytes: bytes.length }),
  );
  const path = `${at}/${begun.document_id}/uploads/${begun.id}`;
  const part = await fetch(`${api.base}${path}/parts/1`, {
    method: "PUT",
    body: new Uint8Array(bytes),
    headers: { Authorization: `Bearer ${api.token}`, "Content-Type": "application/octet-stream" },
  });
  expect(part.status).toBe(204);
  const { version } = await done(api.send<{ version: { text: string | null } }>("POST", `${path}/complete`));
  return { id: begun.document_id, text: version.text };
}

const found = async (query: string): Promise<string[]> => {
  const { items } = await done(api.send<{ items: { id: string }[] }>("GET", `${at}?q=${encodeURIComponent(query)}`));
  return items.map(({ id }) => id);
};
const pids = (): Record<string, number> =>
  (JSON.parse(readFileSync(join(stack.stateDir, "stack.json"), "utf8")) as { pids: Record<string, number> }).pids;

it("a page in Hindi that Chromium printed is found by the words that a keyboard types", async () => {
  const { id, text } = await upload("notice", printedPdf("hindi"));
  expect(text).toBe("read");
  expect(await found("विद्यार्थियों परीक्षा")).toEqual([id]);
});

it(
  "a PDF that takes for ever ends its reader alone, is not read, and keeps no other from being read",
  async () => {
    const before = pids();
    const endless = await upload("endless", pdfOfBackwards(120_000));
    expect(endless.text).toBe("waiting");
    // It is given half a minute of CPU, which a busy machine takes minutes for.
    const after = await eventually(
      "the reader was started again",
      async () => {
        const now = pids();
        const pid = now["workerd_pdf_text"] ?? 0;
        return pid !== 0 && pid !== before["workerd_pdf_text"] ? now : null;
      },
      endedMsMax,
    );
    expect({ ...after, workerd_pdf_text: 0 }).toEqual({ ...before, workerd_pdf_text: 0 });
    const { id, text } = await upload("letter", printedPdf("tamil"));
    expect(text).toBe("read");
    expect(await found("மாணவர்களின்")).toEqual([id]);
  },
  2 * endedMsMax,
);

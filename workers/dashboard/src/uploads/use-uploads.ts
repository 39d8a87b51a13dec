import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import {
  beginUpload,
  cancelUpload,
  completeUpload,
  documentKey,
  documentsKey,
  findUpload,
  partPath,
} from "../api/documents.ts";
import { sendPart } from "../api/send-part.ts";
import { type UploadItem, type UploadOwner, Uploads } from "./uploads.ts";

/** One for the whole page: an upload goes on while the person looks at something else. */
export const uploads = new Uploads(
  {
    begin: beginUpload,
    find: findUpload,
    sendPart: ({ org, document, upload, part }, bytes, options) =>
      sendPart(partPath(org, document, upload, part), bytes, options),
    complete: completeUpload,
    cancel: cancelUpload,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
  },
  // Asked for when it is used: a browser may refuse it.
  {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
  },
);

/** A person's uploads into an organisation. Lists of documents are read anew when one of them is complete. */
export function useUploads({ org, user }: UploadOwner): readonly UploadItem[] {
  const all = useSyncExternalStore(uploads.subscribe, uploads.items);
  const items = all.filter((item) => item.org === org && item.user === user);
  const client = useQueryClient();
  const done = items.flatMap(({ state, document }) => (state === "done" && document !== null ? [document] : [])).join();
  useEffect(() => {
    if (done === "") return;
    void client.invalidateQueries({ queryKey: documentsKey(org) });
    for (const document of done.split(",")) void client.invalidateQueries({ queryKey: documentKey(org, document) });
  }, [done, org, client]);
  const isBusy = items.some(({ state }) => state === "sending" || state === "checking");
  useEffect(() => {
    if (!isBusy) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isBusy]);
  return items;
}

import { path, queryString } from "../../api/client.ts";

/**
 * Has the browser save a version. An attachment never opens in the page's own place, so the page stays.
 * @param version null: the current one
 */
export function saveContent(org: string, document: string, version: number | null): void {
  const link = globalThis.document.createElement("a");
  link.href = contentPath(org, document, version);
  link.download = "";
  link.rel = "noopener";
  link.click();
}

const contentPath = (org: string, document: string, version: number | null): string =>
  `/api/v1${path("orgs", org, "documents", document, "content")}${queryString({ version })}`;

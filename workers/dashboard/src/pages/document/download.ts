import { type DownloadTicket, makeTicket } from "../../api/documents.ts";

/**
 * Has the browser save a version. A plain form shows a ticket that is good once and for a minute: no script holds the
 * bytes, and no secret is in an address. In a window of its own, which closes when it turns out to be a download: an
 * answer that is none takes nobody's page away, nor stops what is being uploaded there.
 * @param version null: the current one
 * @throws ApiProblem when there is no ticket for it
 */
export async function saveContent(org: string, document: string, version: number | null): Promise<void> {
  submitTicket(await makeTicket(org, document, version));
}

/** Shows a ticket by a form of its own. */
export function submitTicket({ action, ticket }: DownloadTicket): void {
  const form = globalThis.document.createElement("form");
  form.method = "post";
  form.action = action;
  form.target = "_blank";
  form.rel = "noopener";
  form.hidden = true;
  const field = globalThis.document.createElement("input");
  field.name = "ticket";
  field.value = ticket;
  form.append(field);
  globalThis.document.body.append(form);
  form.submit();
  form.remove();
}

import { makeExportTicket } from "../../api/exports.ts";
import { submitTicket } from "../document/download.ts";

/**
 * Has the browser save a result, by a plain form with a ticket that is good once: no script holds the bytes, and no
 * secret is in an address.
 * @throws ApiProblem when there is no ticket for it
 */
export async function saveExport(org: string, id: string): Promise<void> {
  submitTicket(await makeExportTicket(org, id));
}

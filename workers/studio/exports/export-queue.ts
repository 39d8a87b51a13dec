import type { ExportId } from "../../../core/ids.ts";

/** What is used of the binding. */
export interface ExportQueue {
  send(message: { readonly export: ExportId }): Promise<unknown>;
}

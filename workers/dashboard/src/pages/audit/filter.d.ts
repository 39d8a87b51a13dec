import type { AuditFilter } from "../../api/audit.ts";
/** The filter as it stands in the page's address, so that it can be kept and shared. */
export declare function filterFromSearch(search: URLSearchParams): AuditFilter;
/** For `<input type="datetime-local">`: local wall time without a zone; empty for none. */
export declare function toLocalInput(iso: string): string;
/** The reverse, by the browser's own zone. */
export declare function fromLocalInput(text: string): string;

import type { AuditFilter } from "../../api/audit.ts";

/** The filter as it stands in the page's address, so that it can be kept and shared. */
export function filterFromSearch(search: URLSearchParams): AuditFilter {
  const get = (name: string): string => search.get(name) ?? "";
  return { type: get("type"), actor: get("actor"), from: instant(get("from")), to: instant(get("to")) };
}

function instant(text: string): string {
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? new Date(ms).toISOString() : "";
}

/** For `<input type="datetime-local">`: local wall time without a zone; empty for none. */
export function toLocalInput(iso: string): string {
  const ms = Date.parse(iso);
  if (!Number.isFinite(ms)) return "";
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The reverse, by the browser's own zone. */
export function fromLocalInput(text: string): string {
  return text === "" ? "" : instant(text);
}

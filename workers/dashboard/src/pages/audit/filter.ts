import { auditOutcomes } from "../../../../../core/audit/facets.ts";
import type { AuditFilter } from "../../api/audit.ts";

export const noFilter: AuditFilter = {
  type: "",
  actor: "",
  outcome: "",
  target: "",
  document: "",
  address: "",
  country: "",
  from: "",
  to: "",
};

/** What can be typed, and what the server takes of it. */
export const typedFilters = {
  country: { label: "Country", shape: /^[A-Z][A-Z0-9]$/, hint: "Two letters, such as IN" },
  target: { label: "About", shape: /^(?:usr|dev)_[0-9a-hjkmnp-tv-z]{26}$/, hint: "An id: usr_… or dev_…" },
  document: { label: "Document", shape: /^doc_[0-9a-hjkmnp-tv-z]{26}$/, hint: "An id: doc_…" },
  address: { label: "Address", shape: /^[0-9A-Fa-f:.]{2,45}$/, hint: "A whole IP address" },
} as const;
export type TypedFilter = keyof typeof typedFilters;

/** What was typed, as the server takes it; empty for nothing, null when it is none. */
export function parseTyped(name: TypedFilter, text: string): string | null {
  const meant = name === "country" ? text.trim().toUpperCase() : text.trim();
  return meant === "" || typedFilters[name].shape.test(meant) ? meant : null;
}

/** The filter as it stands in the page's address, so that it can be kept and shared; what is none is left out. */
export function filterFromSearch(search: URLSearchParams): AuditFilter {
  const get = (name: string): string => search.get(name) ?? "";
  const typed = (name: TypedFilter): string => parseTyped(name, get(name)) ?? "";
  return {
    type: get("type"),
    actor: get("actor"),
    outcome: auditOutcomes.find((outcome) => outcome === get("outcome")) ?? "",
    target: typed("target"),
    document: typed("document"),
    address: typed("address"),
    country: typed("country"),
    from: instant(get("from")),
    to: instant(get("to")),
  };
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

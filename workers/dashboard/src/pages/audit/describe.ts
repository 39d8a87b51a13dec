import type { AuditType } from "../../../../../core/audit/events.ts";
import { routes } from "../../../../../core/routes.ts";
import type { AuditEntry } from "../../api/schemas.ts";
import {
  describeFactorChange,
  describeKeyChange,
  describeLogin,
  describePolicyChange,
  describeSessionEnd,
  text,
  words,
} from "./identity-events.ts";
import {
  describeAlert,
  describeCommand,
  describeDenial,
  describeEnrollment,
  describeMigration,
  describeRepeated,
} from "./system-events.ts";

/** Kinds of event by core/audit/events.ts, as people read them. */
export const auditTypes: Readonly<Record<string, string>> = {
  login: "Sign-in",
  api_call: "API call",
  data_access: "Document access",
  role_change: "Role change",
  export: "Export",
  factor_change: "Sign-in factor",
  session_end: "Session ended",
  account_change: "Account",
  person_erased: "Erasure",
  key_change: "Key",
  policy_change: "Policy",
  org_change: "Organisation",
  edge_refusals: "Edge refusals",
  access_denied: "Denied access",
  repeated: "Repeated failures",
  alert: "Alert",
  enrollment: "Enrolment",
  device_command: "Device command",
  backup: "Backup",
  migration: "Migration",
  audit_month: "Audit archive",
} satisfies Readonly<Record<AuditType, string>>;

/** The person who acted; null when none did or when they were erased. */
export function actorOf(entry: AuditEntry): string | null {
  const { user_id, admin_id } = entry.event;
  if (typeof user_id === "string") return user_id;
  return typeof admin_id === "string" ? admin_id : null;
}

/** One line that says what happened. An unknown kind says its fields. */
export function describe(entry: AuditEntry, nameOf: (user: string) => string): string {
  const { event } = entry;
  const person = (value: unknown): string => (typeof value === "string" ? nameOf(value) : "someone erased");
  switch (event.type) {
    case "login":
      return describeLogin(event);
    case "api_call":
      return apiCall(text(event["method"], "?"), text(event["endpoint"], "?"));
    case "data_access":
      return `Document ${text(event["document_id"], "?")}: ${text(event["action"], "?")}`;
    case "role_change":
      return roleChange(person(event["target_user_id"]), event["old_role"], event["new_role"]);
    case "export":
      return `Export as ${text(event["format"], "?")}`;
    case "factor_change":
      return describeFactorChange(event, person(event["user_id"]));
    case "session_end":
      return describeSessionEnd(event, person(event["target_user_id"]));
    case "account_change":
      return `${person(event["target_user_id"])} ${words(event["action"])}`;
    case "person_erased":
      return "A person was erased from this log";
    case "key_change":
      return describeKeyChange(event);
    case "policy_change":
      return describePolicyChange(event);
    case "org_change": {
      const detail = text(event["detail"], "");
      return `Organisation: ${words(event["action"])}${detail === "" ? "" : ` (${detail})`}`;
    }
    case "edge_refusals":
      return `${Number(event["count"])} × ${text(event["code"], "?")} at ${text(event["gate"], "?")} from ${text(event["country"], "?")}`;
    case "access_denied":
      return describeDenial(event);
    case "repeated":
      return describeRepeated(event);
    case "alert":
      return describeAlert(event);
    case "enrollment":
      return describeEnrollment(event);
    case "device_command":
      return describeCommand(event);
    case "backup":
      return `Backup ${words(event["action"])} (${text(event["backup_id"], "?")})`;
    case "migration":
      return describeMigration(event);
    case "audit_month":
      return `Audit entries of ${text(event["month"], "?")} on ${text(event["placement"], "?")}: ${words(event["action"])}`;
    default: {
      const { type: _type, ...fields } = event;
      return JSON.stringify(fields);
    }
  }
}

/** Says the route in words; one that this page does not know stands as it is. */
function apiCall(method: string, endpoint: string): string {
  const known = Object.values(routes).find((route) => route.method === method && route.path === endpoint);
  if (known === undefined) return `${method} ${endpoint.replace("/api/v1", "")}`;
  return method === "GET" ? `Read: ${known.summary}` : known.summary;
}

function roleChange(target: string, before: unknown, after: unknown): string {
  if (typeof after !== "string") return `${target} removed (was ${text(before, "no member")})`;
  if (typeof before !== "string") return `${target} joined as ${after}`;
  return `${target}: ${before} → ${after}`;
}

export interface Outcome {
  readonly text: string;
  readonly tone: "good" | "bad" | "neutral";
}

/** How it ended, in a word. */
export function outcomeOf(entry: AuditEntry): Outcome {
  if (entry.phase === "intent") return { text: "Begun", tone: "neutral" };
  if (entry.result === "reconciled_not_done") return { text: "Not done", tone: "bad" };
  if (entry.result === "reconciled_done") return { text: "Done, found later", tone: "good" };
  const { type, outcome, status_code } = entry.event;
  if (type === "login") {
    if (entry.event["reason"] === "factor_due") return { text: "Half-way", tone: "neutral" };
    return outcome === "success" ? { text: "Success", tone: "good" } : { text: "Failure", tone: "bad" };
  }
  if (type === "access_denied" || type === "edge_refusals") return { text: "Denied", tone: "bad" };
  if (type === "alert") return { text: "Look", tone: "bad" };
  if (typeof status_code === "number") return { text: String(status_code), tone: status_code < 400 ? "good" : "bad" };
  return { text: entry.phase === "outcome" ? "Done" : "Recorded", tone: "neutral" };
}

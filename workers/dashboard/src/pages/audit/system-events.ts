/** The events of core/audit/events.ts that are about devices, the system's upkeep and what the log itself found, in words. */
import type { AlertKind, EnrollmentAction } from "../../../../../core/audit/vocabulary.ts";
import { text, words } from "./identity-events.ts";

type Event = Readonly<Record<string, unknown>>;

const enrollments: Readonly<Record<EnrollmentAction, string>> = {
  code_created: "Enrolment code made",
  code_revoked: "Enrolment code withdrawn",
  rollout_opened: "Roll-out opened",
  enrolled: "Device enrolled",
  token_rotated: "Device got a new token",
  device_removed: "Device removed",
};

const alerts: Readonly<Record<AlertKind, string>> = {
  many_failures: "Many failed sign-ins",
  impossible_travel: "Sign-ins from two countries within an hour",
  mass_export: "Many documents exported",
  role_raised_then_used: "A role was raised and used at once",
};

const said = (known: Readonly<Record<string, string>>, value: unknown): string =>
  known[text(value, "")] ?? words(value);
const called = (event: Event): string =>
  `${text(event["method"], "")} ${text(event["endpoint"], "").replace("/api/v1", "")}`.trim();

/** A code that is named, a device that is named, or neither. */
export function describeEnrollment(event: Event): string {
  const concerned = text(event["device_id"], text(event["code_id"], ""));
  return `${said(enrollments, event["action"])}${concerned === "" ? "" : ` (${concerned})`}`;
}

export function describeCommand(event: Event): string {
  return `Command ${words(event["command"])} to ${text(event["device_id"], "?")}`;
}

export function describeDenial(event: Event): string {
  return `Denied (${words(event["code"])}): ${called(event)} from ${text(event["country"], "?")}`;
}

export function describeRepeated(event: Event): string {
  const why = text(event["reason"], String(event["status_code"] ?? ""));
  const what = called(event);
  const failure = [words(event["of"]), what, why.replaceAll("_", " ")].filter((part) => part !== "").join(", ");
  return `${Number(event["count"])} more times as no. ${Number(event["first_seq"])}: ${failure}`;
}

export function describeAlert(event: Event): string {
  const places = typeof event["country_before"] === "string" ? `: ${event["country_before"]}, ${event["country"]}` : "";
  const numbers = `no. ${Number(event["first_seq"])} to ${Number(event["last_seq"])}`;
  return `${said(alerts, event["kind"])}${places} (${numbers})`;
}

export function describeMigration(event: Event): string {
  return `Schema ${Number(event["from_version"])} → ${Number(event["to_version"])}: ${words(event["action"])}`;
}

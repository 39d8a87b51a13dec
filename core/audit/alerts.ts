/** Patterns of events that somebody should look at: what each event says of them. Pure; the log keeps the counts. */
import { type Role, roles } from "../tenancy/roles.ts";
import type { AuditFields } from "./events.ts";
import type { AlertKind } from "./vocabulary.ts";

const minuteMs = 60_000;

/** How long a pattern may take from its first event, in milliseconds. */
export const alertWindowMs: Readonly<Record<AlertKind, number>> = {
  many_failures: 10 * minuteMs,
  // Nobody is in two countries' sign-ins within an hour by any airline; a proxy is, and is to be looked at.
  impossible_travel: 60 * minuteMs,
  mass_export: 60 * minuteMs,
  role_raised_then_used: 10 * minuteMs,
};

/** Failed sign-ins of one person: more than mistyping, fewer than any guessing that would get somewhere. */
export const personFailuresMin = 10;
/** … and of one address, behind which a school may sit on a Monday morning. */
export const addressFailuresMin = 50;
/** Documents that one person takes out. */
export const exportedDocumentsMin = 500;

/** What an event adds to a pattern. `subject` is a person or an address. */
export type Signal =
  | {
      readonly kind: "many_failures" | "mass_export";
      readonly subject: string;
      readonly about: "person" | "address";
      readonly weight: number;
      readonly enough: number;
    }
  | { readonly kind: "impossible_travel"; readonly subject: string; readonly country: string }
  | { readonly kind: "role_raised_then_used"; readonly subject: string; readonly what: "raised" | "used" };

/** What an event says of the patterns; nothing, of most. */
export function signalsOf(event: AuditFields): Signal[] {
  switch (event.type) {
    case "login":
      return event.outcome === "failure" ? failed(event) : travelled(event);
    case "export": {
      const weight = Math.max(1, event.document_ids.length);
      const exported = { subject: event.user_id, about: "person", weight, enough: exportedDocumentsMin } as const;
      return [{ kind: "mass_export", ...exported }, ...used(event.user_id)];
    }
    case "role_change": {
      const raised = isRaised(event.old_role, event.new_role);
      const mark = { kind: "role_raised_then_used", subject: event.target_user_id, what: "raised" } as const;
      // Who founds an organisation, or joins it by themselves, raised nobody.
      return [
        ...(event.admin_id === event.target_user_id ? [] : used(event.admin_id)),
        ...(raised && event.admin_id !== event.target_user_id ? [mark] : []),
      ];
    }
    case "account_change":
      return used(event.admin_id);
    case "key_change":
    case "policy_change":
      return used(event.user_id);
    default:
      return [];
  }
}

type Login = Extract<AuditFields, { type: "login" }>;

function failed({ user_id, ip, reason }: Login): Signal[] {
  // The first of two steps, with the right password.
  if (reason === "factor_due") return [];
  const kind = "many_failures";
  const ofPerson = { kind, about: "person", weight: 1, enough: personFailuresMin } as const;
  const ofAddress = { kind, subject: ip, about: "address", weight: 1, enough: addressFailuresMin } as const;
  return [...(user_id === null ? [] : [{ ...ofPerson, subject: user_id }]), ...(ip === "" ? [] : [ofAddress])];
}

function travelled({ user_id, country }: Login): Signal[] {
  // Tor has no place, and neither has what the edge could not tell.
  if (user_id === null || country === undefined || country === "XX" || country === "T1") return [];
  return [{ kind: "impossible_travel", subject: user_id, country }];
}

/** Something that only those do who manage others or take data out. */
function used(user: string | null): Signal[] {
  return user === null ? [] : [{ kind: "role_raised_then_used", subject: user, what: "used" }];
}

/** To owner or admin, from less. */
function isRaised(before: Role | null, after: Role | null): boolean {
  if (after !== "owner" && after !== "admin") return false;
  return before === null || roles.indexOf(before) > roles.indexOf(after);
}

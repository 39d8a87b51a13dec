import type { AuditEntry } from "../../api/schemas.ts";
/** Kinds of event by core/audit/events.ts, as people read them. */
export declare const auditTypes: Readonly<Record<string, string>>;
/** The person who acted; null when none did or when they were erased. */
export declare function actorOf(entry: AuditEntry): string | null;
/** One line that says what happened. An unknown kind says its fields. */
export declare function describe(entry: AuditEntry, nameOf: (user: string) => string): string;
export interface Outcome {
    readonly text: string;
    readonly tone: "good" | "bad" | "neutral";
}
/** How it ended, in a word. */
export declare function outcomeOf(entry: AuditEntry): Outcome;

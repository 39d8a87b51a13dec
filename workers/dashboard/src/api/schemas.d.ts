/** The API's answers as this page reads them: unknown fields are dropped, missing ones refused. */
import * as z from "zod/mini";
export declare const personSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    email: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
}, z.core.$strip>;
export declare const membershipSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    slug: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    role: z.ZodMiniEnum<{
        owner: "owner";
        admin: "admin";
        analyst: "analyst";
        viewer: "viewer";
        readonly: "readonly";
    }>;
}, z.core.$strip>;
export declare const meSchema: z.ZodMiniObject<{
    user: z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        email: z.ZodMiniString<string>;
        name: z.ZodMiniString<string>;
    }, z.core.$strip>;
    orgs: z.ZodMiniArray<z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        slug: z.ZodMiniString<string>;
        name: z.ZodMiniString<string>;
        role: z.ZodMiniEnum<{
            owner: "owner";
            admin: "admin";
            analyst: "analyst";
            viewer: "viewer";
            readonly: "readonly";
        }>;
    }, z.core.$strip>>;
}, z.core.$strip>;
/** One page of any list. */
export declare function pageOf<T extends z.ZodMiniType>(item: T): z.ZodMiniObject<{
    items: z.ZodMiniArray<T>;
    next_cursor: z.ZodMiniNullable<z.ZodMiniString<string>>;
}, z.core.$strip>;
export declare const deviceSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    platform: z.ZodMiniString<string>;
    enrolled_at: z.ZodMiniString<string>;
    last_seen_at: z.ZodMiniNullable<z.ZodMiniString<string>>;
    online: z.ZodMiniBoolean<boolean>;
    groups: z.ZodMiniArray<z.ZodMiniString<string>>;
}, z.core.$strip>;
export declare const enrollmentCodeSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    expires_at: z.ZodMiniString<string>;
    max_uses: z.ZodMiniNumber<number>;
    uses: z.ZodMiniNumber<number>;
    created_at: z.ZodMiniString<string>;
    revoked_at: z.ZodMiniNullable<z.ZodMiniString<string>>;
}, z.core.$strip>;
/** The code itself is in the answer to its making only. */
export declare const newEnrollmentCodeSchema: z.ZodMiniObject<{
    code: z.ZodMiniString<string>;
    expires_at: z.ZodMiniString<string>;
    max_uses: z.ZodMiniNumber<number>;
}, z.core.$strip>;
export declare const deviceTokenSchema: z.ZodMiniObject<{
    token: z.ZodMiniString<string>;
}, z.core.$strip>;
export declare const bucketSchema: z.ZodMiniObject<{
    at: z.ZodMiniString<string>;
    samples: z.ZodMiniNumber<number>;
    metrics: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniNumber<number>>;
}, z.core.$strip>;
export declare const replySchema: z.ZodMiniUnion<readonly [z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    ok: z.ZodMiniLiteral<true>;
    result: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>;
}, z.core.$strip>, z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    ok: z.ZodMiniLiteral<false>;
    error: z.ZodMiniObject<{
        code: z.ZodMiniString<string>;
        detail: z.ZodMiniString<string>;
    }, z.core.$strip>;
}, z.core.$strip>]>;
export declare const commandSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    issued_at: z.ZodMiniString<string>;
    expires_at: z.ZodMiniString<string>;
    reply: z.ZodMiniDefault<z.ZodMiniNullable<z.ZodMiniUnion<readonly [z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        ok: z.ZodMiniLiteral<true>;
        result: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniUnknown>;
    }, z.core.$strip>, z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        ok: z.ZodMiniLiteral<false>;
        error: z.ZodMiniObject<{
            code: z.ZodMiniString<string>;
            detail: z.ZodMiniString<string>;
        }, z.core.$strip>;
    }, z.core.$strip>]>>>;
    replied_at: z.ZodMiniDefault<z.ZodMiniNullable<z.ZodMiniString<string>>>;
}, z.core.$strip>;
export declare const memberSchema: z.ZodMiniObject<{
    user_id: z.ZodMiniString<string>;
    email: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    role: z.ZodMiniEnum<{
        owner: "owner";
        admin: "admin";
        analyst: "analyst";
        viewer: "viewer";
        readonly: "readonly";
    }>;
    joined_at: z.ZodMiniString<string>;
}, z.core.$strip>;
export declare const invitationSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    email: z.ZodMiniString<string>;
    role: z.ZodMiniEnum<{
        owner: "owner";
        admin: "admin";
        analyst: "analyst";
        viewer: "viewer";
        readonly: "readonly";
    }>;
    expires_at: z.ZodMiniString<string>;
}, z.core.$strip>;
export declare const groupSchema: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    name: z.ZodMiniString<string>;
    created_at: z.ZodMiniString<string>;
    devices: z.ZodMiniArray<z.ZodMiniString<string>>;
    members: z.ZodMiniArray<z.ZodMiniString<string>>;
}, z.core.$strip>;
/** Kinds of event may be added by the server before this page knows them, so their fields stay open. */
export declare const auditEntrySchema: z.ZodMiniObject<{
    seq: z.ZodMiniNumber<number>;
    at: z.ZodMiniString<string>;
    request_id: z.ZodMiniString<string>;
    phase: z.ZodMiniEnum<{
        event: "event";
        intent: "intent";
        outcome: "outcome";
    }>;
    intent_seq: z.ZodMiniNullable<z.ZodMiniNumber<number>>;
    result: z.ZodMiniNullable<z.ZodMiniString<string>>;
    event: z.ZodMiniObject<{
        type: z.ZodMiniString<string>;
    }, z.core.$loose>;
    leaf_hash: z.ZodMiniString<string>;
}, z.core.$strip>;
export type Person = z.infer<typeof personSchema>;
export type Membership = z.infer<typeof membershipSchema>;
export type Me = z.infer<typeof meSchema>;
export type Device = z.infer<typeof deviceSchema>;
export type EnrollmentCode = z.infer<typeof enrollmentCodeSchema>;
export type NewEnrollmentCode = z.infer<typeof newEnrollmentCodeSchema>;
export type Bucket = z.infer<typeof bucketSchema>;
export type CommandReply = z.infer<typeof replySchema>;
export type Command = z.infer<typeof commandSchema>;
export type Member = z.infer<typeof memberSchema>;
export type Invitation = z.infer<typeof invitationSchema>;
export type Group = z.infer<typeof groupSchema>;
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export interface Page<T> {
    readonly items: T[];
    readonly next_cursor: string | null;
}

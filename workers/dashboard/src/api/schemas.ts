/** The API's answers as this page reads them: unknown fields are dropped, missing ones refused. */
import * as z from "zod/mini";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { roles } from "../../../../core/tenancy/roles.ts";

const time = z.string();
const role = z.enum(roles);

export const personSchema = z.object({ id: z.string(), email: z.string(), name: z.string() });
export const membershipSchema = z.object({ id: z.string(), slug: z.string(), name: z.string(), role });
/** Every completed sign-in answers with who it was; what else is known of them is asked of `/me`. */
export const signedInSchema = z.object({ user: personSchema });

/** What an organisation asks of its members beyond the password. */
const orgMfaSchema = z.object({
  required: z.boolean(),
  /** Until then nobody is shut out; null: at once. */
  grace_until: z.nullable(time),
  /** Whether this session would pass if the grace were over now. */
  satisfied: z.boolean(),
});
const ownMembershipSchema = z.object({
  ...membershipSchema.shape,
  /** Absent from a studio of the release before: then it is open. */
  state: z.optional(z.enum(orgStates)),
  mfa: orgMfaSchema,
});
export const meSchema = z.object({
  user: personSchema,
  /** Second factors of theirs: `totp`, `passkey`, and `recovery_code`, which is none by itself. */
  factors: z.array(z.string()),
  /** Whether this session has shown one. */
  mfa: z.boolean(),
  orgs: z.array(ownMembershipSchema),
});

/** One page of any list. */
export function pageOf<T extends z.ZodMiniType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.nullable(z.string()) });
}

export const deviceSchema = z.object({
  id: z.string(),
  name: z.string(),
  platform: z.string(),
  enrolled_at: time,
  last_seen_at: z.nullable(time),
  online: z.boolean(),
  groups: z.array(z.string()),
});

export const enrollmentCodeSchema = z.object({
  id: z.string(),
  name: z.string(),
  expires_at: time,
  max_uses: z.number(),
  uses: z.number(),
  created_at: time,
  revoked_at: z.nullable(time),
  /** More devices a minute may enrol with it until then; null when no such window is open. */
  rollout: z.nullable(z.object({ per_minute: z.number(), until: time })),
});
/** The code itself is in the answer to its making only. */
export const newEnrollmentCodeSchema = z.object({ code: z.string(), expires_at: time, max_uses: z.number() });
export const deviceTokenSchema = z.object({ token: z.string() });

export const bucketSchema = z.object({
  at: time,
  samples: z.number(),
  metrics: z.record(z.string(), z.number()),
});

export const replySchema = z.union([
  z.object({ id: z.string(), ok: z.literal(true), result: z.record(z.string(), z.unknown()) }),
  z.object({ id: z.string(), ok: z.literal(false), error: z.object({ code: z.string(), detail: z.string() }) }),
]);
export const commandSchema = z.object({
  id: z.string(),
  name: z.string(),
  issued_at: time,
  expires_at: time,
  reply: z._default(z.nullable(replySchema), null),
  replied_at: z._default(z.nullable(time), null),
});

export const memberSchema = z.object({
  user_id: z.string(),
  email: z.nullable(z.string()),
  name: z.string(),
  role,
  joined_at: time,
  /** Since when they are shut out of this organisation; null for most. */
  disabled_at: z.nullable(time),
});
export const sessionSchema = z.object({
  id: z.string(),
  ip: z.string(),
  user_agent: z.string(),
  created_at: time,
  last_seen_at: time,
  current: z.boolean(),
});
export const invitationSchema = z.object({ id: z.string(), email: z.string(), role, expires_at: time });

export const groupSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: time,
  devices: z.array(z.string()),
  members: z.array(z.string()),
});

/** Kinds of event may be added by the server before this page knows them, so their fields stay open. */
export const auditEntrySchema = z.object({
  seq: z.number(),
  at: time,
  request_id: z.string(),
  phase: z.enum(["event", "intent", "outcome"]),
  intent_seq: z.nullable(z.number()),
  result: z.nullable(z.string()),
  event: z.looseObject({ type: z.string() }),
  leaf_hash: z.string(),
});

/** Null before the log's first checkpoint. */
export const auditStatusSchema = z.object({
  checkpoint: z.nullable(
    z.object({
      size: z.number(),
      signed_at: time,
      pending: z.number(),
      pending_since: z.nullable(time),
      /** The log's own, `name+id+key`. */
      keys: z.array(z.string()),
    }),
  ),
});
/** That one entry is in the log; hashes in base64. */
export const auditProofSchema = z.object({
  seq: z.number(),
  size: z.number(),
  leaf: z.string(),
  hashes: z.array(z.string()),
  checkpoint: z.string(),
});

export type Person = z.infer<typeof personSchema>;
export type Membership = z.infer<typeof ownMembershipSchema>;
export type OrgMfa = z.infer<typeof orgMfaSchema>;
export type Session = z.infer<typeof sessionSchema>;
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
export type AuditStatus = z.infer<typeof auditStatusSchema>;
export type AuditProof = z.infer<typeof auditProofSchema>;
export interface Page<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

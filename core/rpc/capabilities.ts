/** What each entrypoint of the capabilities Worker offers to studio. */
import type { CommandId, DeviceId, EnrollmentCodeId, GroupId, UserId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { DeviceCommandName, DeviceReply } from "../telemetry.ts";
import type { RateDecision } from "./durable-objects.ts";

/** A refusal the caller turns into a problem; anything else that goes wrong throws. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      /** `invalid_request`: a value that the caller should have refused; nothing was done. */
      readonly code:
        | "not_found"
        | "forbidden"
        | "conflict"
        | "invalid_enrollment_code"
        | "invalid_cursor"
        | "invalid_request"
        /** What is asked for is sealed, and its key can't be had at the moment; nothing was done. */
        | "key_unavailable";
    };

export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}
export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface EnrollmentCode {
  readonly id: EnrollmentCodeId;
  readonly name: string;
  readonly expiresAt: string;
  readonly maxUses: number;
  readonly uses: number;
  readonly createdBy: UserId;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  /** Until then more devices a minute may enrol with it; null when no such window is open. */
  readonly rollout: EnrollmentRollout | null;
}
export interface EnrollmentRollout {
  readonly perMinute: number;
  /** RFC 3339. */
  readonly until: string;
}
/** What a tenant's own database holds. */
export interface TenantUsage {
  readonly devices: number;
  /** Tables, indexes and partitions, and documents as they are when opened. */
  readonly storageBytes: number;
  /** What language models cost this month, in micro-dollars, requests under way at what they can cost at most. */
  readonly llmMicros: number;
}
/** What came of a valid code. `rate` is the code's own count. */
export type Enrollment =
  | {
      readonly kind: "enrolled";
      readonly device: DeviceId;
      readonly token: string;
      /** Absent from capabilities of the release before. */
      readonly code?: EnrollmentCodeId;
      readonly rate: RateDecision;
    }
  /** It has had its devices of this minute; nothing was done. */
  | { readonly kind: "limited"; readonly rate: RateDecision }
  /** The organisation has as many devices as it may; nothing was done. */
  | { readonly kind: "full"; readonly rate: RateDecision };
export interface Device {
  readonly id: DeviceId;
  readonly name: string;
  readonly platform: string;
  readonly enrolledAt: string;
  readonly lastSeenAt: string | null;
  readonly online: boolean;
  readonly groups: readonly GroupId[];
}
export interface Group {
  readonly id: GroupId;
  readonly name: string;
  readonly createdAt: string;
  readonly devices: readonly DeviceId[];
  readonly members: readonly UserId[];
}
export interface Command {
  readonly id: CommandId;
  readonly device: DeviceId;
  readonly name: DeviceCommandName;
  /** Null: sealed under a key that this organisation has never had; it was restored from another's backup. */
  readonly args: Readonly<Record<string, unknown>> | null;
  readonly issuedBy: UserId;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly reply: DeviceReply | null;
  readonly repliedAt: string | null;
}
export interface TelemetryBucket {
  /** Start of the bucket, RFC 3339 UTC. */
  readonly at: string;
  readonly samples: number;
  /** Mean of each metric over the bucket. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What means are made from: the samples, or their exact roll-ups. */
export type TelemetryResolution = "raw" | "minute" | "hour";
export interface Telemetry {
  /** The range as it is answered, RFC 3339 UTC: from roll-ups it begins and ends at whole minutes or hours. */
  readonly from: string;
  /** Outside. */
  readonly to: string;
  /** Never shorter than the resolution. */
  readonly stepSeconds: number;
  readonly resolution: TelemetryResolution;
  readonly buckets: readonly TelemetryBucket[];
}

/** `Devices`: rows a role may see are chosen by row-level security, not by these methods. */
export interface DevicesRpc {
  /** `code` is shown once; its SHA-256 is stored. It begins with the slug. */
  createEnrollmentCode(
    call: SignedCall,
    input: { slug: string; name: string; expiresInSeconds: number; maxUses: number },
  ): Promise<Result<EnrollmentCode & { readonly code: string }>>;
  listEnrollmentCodes(call: SignedCall, page: PageRequest): Promise<Result<Page<EnrollmentCode>>>;
  revokeEnrollmentCode(call: SignedCall, id: EnrollmentCodeId): Promise<Result<null>>;
  /**
   * Lets `perMinute` devices enrol with it, for so many minutes from now; a window that is open is replaced.
   * `not_found` also of a code that nobody can use any more.
   */
  openRollout(
    call: SignedCall,
    id: EnrollmentCodeId,
    window: { perMinute: number; minutes: number },
  ): Promise<Result<EnrollmentCode>>;
  /** What the caller sees of what the plan counts; studio asks for those who see everything. */
  usage(call: SignedCall): Promise<Result<TenantUsage>>;
  /** Job `enroll`. `token` is shown once. Any wrong code, whatever the reason, is `invalid_enrollment_code`. */
  enroll(
    call: SignedCall,
    input: {
      code: string;
      name: string;
      platform: string;
      publicKey: string | null;
      /** Devices that the plan allows. Absent, from a studio of the release before: no plan allows more than the largest. */
      devicesMax?: number;
    },
  ): Promise<Result<Enrollment>>;

  listDevices(call: SignedCall, page: PageRequest): Promise<Result<Page<Device>>>;
  getDevice(call: SignedCall, id: DeviceId): Promise<Result<Device>>;
  renameDevice(call: SignedCall, id: DeviceId, name: string): Promise<Result<Device>>;
  removeDevice(call: SignedCall, id: DeviceId): Promise<Result<null>>;
  rotateToken(call: SignedCall, id: DeviceId): Promise<Result<{ readonly token: string }>>;

  sendCommand(
    call: SignedCall,
    id: DeviceId,
    input: { name: DeviceCommandName; args: Record<string, unknown>; ttlSeconds: number },
  ): Promise<Result<Command>>;
  listCommands(call: SignedCall, id: DeviceId, page: PageRequest): Promise<Result<Page<Command>>>;
  /** Means per bucket of `stepSeconds`, oldest first; at most some 2,000 buckets. */
  telemetry(
    call: SignedCall,
    id: DeviceId,
    range: { fromMs: number; toMs: number; stepSeconds: number },
  ): Promise<Result<Telemetry>>;

  createGroup(call: SignedCall, name: string): Promise<Result<Group>>;
  listGroups(call: SignedCall, page: PageRequest): Promise<Result<Page<Group>>>;
  getGroup(call: SignedCall, id: GroupId): Promise<Result<Group>>;
  renameGroup(call: SignedCall, id: GroupId, name: string): Promise<Result<Group>>;
  removeGroup(call: SignedCall, id: GroupId): Promise<Result<null>>;
  /** Puts a device or user into a group, or takes it out; the hub learns it before this returns. */
  setGroupDevice(call: SignedCall, group: GroupId, device: DeviceId, present: boolean): Promise<Result<null>>;
  setGroupMember(call: SignedCall, group: GroupId, user: UserId, present: boolean): Promise<Result<null>>;
  /** A user left the organisation: out of every group. */
  removeUser(call: SignedCall, user: UserId): Promise<Result<null>>;
}

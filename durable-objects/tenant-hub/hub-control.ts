import { WorkerEntrypoint } from "cloudflare:workers";
import { type DeviceId, type GroupId, type Id, type IdKind, type OrgId, parseId, type UserId } from "../../core/ids.ts";
import type { SignedCall, VerifiedCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import type { Job } from "../../core/mesh/workloads.ts";
import {
  endedSessionsMax,
  type HubControlRpc,
  type HubGeoRpc,
  type HubLifecycleRpc,
  type HubStanding,
  type HubUsageRpc,
  type MessagesToday,
  type RefusedDevices,
} from "../../core/rpc/durable-objects.ts";
import type { HubLimitsRpc, LimitsInUse } from "../../core/rpc/hub-limits.ts";
import type { GeoPolicy } from "../../core/tenancy/geo-policy.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { dayEndMs, messageDay } from "../../core/tenancy/message-day.ts";
import { parseRole, type Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { verifyInward } from "../mesh.ts";
import { eraseEveryHub, everyHub, inTurns, tellEveryHub } from "./every-hub.ts";
import { parsedGeo, putGeoEverywhere, refusedEverywhere } from "./geo-hubs.ts";
import { parseToldLimits } from "./hub-limits.ts";
import { limitsInUseEverywhere, putLimitsEverywhere } from "./limits-hubs.ts";
import { homeName, parseShardCount } from "./shards/home.ts";
import { parseStanding } from "./standing.ts";

/** Devices in one presence question: a page of a list and then some. */
const presenceDevicesMax = 1000;
/** Devices and members of one group each. */
const groupSizeMax = 10_000;

/**
 * What studio and capabilities may tell a tenant's hub. Each method verifies its call first, and names
 * who may make it besides an owner or admin: a broken caller can do no more than its user could.
 */
export class HubControl
  extends WorkerEntrypoint<Env>
  implements HubControlRpc, HubLifecycleRpc, HubGeoRpc, HubLimitsRpc, HubUsageRpc
{
  /** Also the job `enroll`: the device that redeems a code is not signed in. */
  async putDevice(call: SignedCall, org: OrgId, device: DeviceId, tokenSha256: string): Promise<void> {
    const { verified } = await this.#hub(call, org, ["enroll"]);
    if (verified.kind === "user") managerOnly(verified);
    if (typeof tokenSha256 !== "string" || !/^[0-9a-f]{64}$/.test(tokenSha256))
      throw new Error("a token's hash is 64 hexadecimal digits");
    const own = verifiedOrg(verified);
    const id = parsed("device", device);
    await this.#homeOf(own, id).putDevice(own, id, tokenSha256);
  }

  async removeDevice(call: SignedCall, org: OrgId, device: DeviceId): Promise<void> {
    const { verified } = await this.#hub(call, org, []);
    managerOnly(verified);
    const own = verifiedOrg(verified);
    const id = parsed("device", device);
    await this.#homeOf(own, id).removeDevice(own, id);
  }

  /**
   * Also anyone for himself: to leave, or to the role that his own signed token carries (he has just
   * accepted an invitation). The job `provision` sets up an organisation's first owner.
   */
  async putMember(call: SignedCall, org: OrgId, user: UserId, role: Role | null): Promise<void> {
    const { hub, verified } = await this.#hub(call, org, ["provision"]);
    const ownRole = verified.kind === "user" && verified.sub === user && (role === null || role === verified.role);
    if (verified.kind === "user" && !ownRole) managerOnly(verified);
    if (role !== null && parseRole(role) === null) throw new Error("not a role");
    await hub.putMember(verifiedOrg(verified), parsed("user", user), role);
  }

  /** The password of a member who is a program. It goes with the membership. */
  async putKey(
    call: SignedCall,
    org: OrgId,
    user: UserId,
    key: { readonly sha256: string; readonly sid: string; readonly expiresAtMs: number },
  ): Promise<void> {
    const { hub, verified } = await this.#hub(call, org, []);
    managerOnly(verified);
    if (typeof key.sha256 !== "string" || !/^[0-9a-f]{64}$/.test(key.sha256))
      throw new Error("a key's hash is 64 hexadecimal digits");
    if (!Number.isSafeInteger(key.expiresAtMs)) throw new Error("not an instant");
    const { sha256, expiresAtMs } = key;
    await hub.putKey(verifiedOrg(verified), parsed("user", user), {
      sha256,
      sid: parsed("session", key.sid),
      expiresAtMs,
    });
  }

  /** Also anyone to leave a group himself. */
  async putGroup(
    call: SignedCall,
    org: OrgId,
    group: GroupId,
    content: { readonly devices: readonly DeviceId[]; readonly members: readonly UserId[] },
  ): Promise<void> {
    const { hub, verified } = await this.#hub(call, org, []);
    if (content.devices.length > groupSizeMax || content.members.length > groupSizeMax)
      throw new Error(`a group has at most ${groupSizeMax} devices and as many members`);
    const checked = {
      devices: content.devices.map((device) => parsed("device", device)),
      members: content.members.map((member) => parsed("user", member)),
    };
    const leaving = verified.kind === "user" && !isManager(verified.role) ? verified.sub : null;
    if (!(await hub.putGroup(verifiedOrg(verified), parsed("group", group), checked, leaving)))
      throw new CallRefused("not_granted");
  }

  /** A user ends his own sessions, an owner or admin anyone's. The job `anonymous_request` ends one by its own token. */
  async endSessions(call: SignedCall, org: OrgId, sids: readonly string[]): Promise<void> {
    const { hub, verified } = await this.#hub(call, org, ["anonymous_request"]);
    const own = verified.kind === "user" && !isManager(verified.role) ? verified.sub : null;
    if (sids.length > endedSessionsMax) throw new Error(`at most ${endedSessionsMax} sessions`);
    const checked = sids.map((sid) => parsed("session", sid));
    await hub.endSessions(verifiedOrg(verified), checked, own);
  }

  /** Also the job `provision`: the clock's, and of somebody who broke the glass. */
  async putGeo(call: SignedCall, org: OrgId, policy: GeoPolicy, version: number): Promise<void> {
    const { verified } = await this.#hub(call, org, ["provision"]);
    if (verified.kind === "user") managerOnly(verified);
    if (!Number.isSafeInteger(version) || version < 0) throw new Error("not a version");
    await putGeoEverywhere(this.env, verifiedOrg(verified), parsedGeo(policy), version);
  }

  async geoRefused(call: SignedCall, org: OrgId, before: GeoPolicy, after: GeoPolicy): Promise<RefusedDevices> {
    const { verified } = await this.#hub(call, org, []);
    managerOnly(verified);
    return await refusedEverywhere(this.env, verifiedOrg(verified), parsedGeo(before), parsedGeo(after));
  }

  /** Also the job `provision`, as `putGeo`. */
  async putLimits(call: SignedCall, org: OrgId, limits: LimitsPolicy, version: number): Promise<void> {
    const { verified } = await this.#hub(call, org, ["provision"]);
    if (verified.kind === "user") managerOnly(verified);
    await putLimitsEverywhere(this.env, verifiedOrg(verified), parseToldLimits({ limits, version }));
  }

  async limitsInUse(call: SignedCall, org: OrgId): Promise<LimitsInUse> {
    return await limitsInUseEverywhere(this.env, await this.#policyReader(call, org));
  }

  /** Also the job `tend_billing`, which meters. */
  async messagesToday(call: SignedCall, org: OrgId): Promise<MessagesToday> {
    const own = await this.#policyReader(call, org, ["tend_billing"]);
    const day = messageDay(Date.now());
    const counts: number[] = [];
    await inTurns(await everyHub(this.env, own), async (name) => {
      counts.push(await this.env.TENANT_HUB.getByName(name).recordsOf(own, day));
    });
    return { used: counts.reduce((sum, count) => sum + count, 0), resetAtMs: dayEndMs(day) };
  }

  async setStanding(call: SignedCall, org: OrgId, standing: HubStanding): Promise<void> {
    await tellEveryHub(this.env, await this.#lifecycle(call, org), parseStanding(standing));
  }

  async erase(call: SignedCall, org: OrgId): Promise<void> {
    await eraseEveryHub(this.env, await this.#lifecycle(call, org));
  }

  async publishCommand(call: SignedCall, org: OrgId, device: DeviceId, payload: string): Promise<void> {
    const { verified } = await this.#hub(call, org, []);
    managerOnly(verified);
    if (typeof payload !== "string") throw new Error("a command's payload is text");
    const own = verifiedOrg(verified);
    const id = parsed("device", device);
    if (!(await this.#homeOf(own, id).publishCommand(own, id, payload)))
      throw new Error("the hub does not know this device, or the command is too large");
  }

  /** Any member: capabilities asks only about rows that its caller's role may see. Enrolment never asks. */
  async presence(
    call: SignedCall,
    org: OrgId,
    devices: readonly DeviceId[],
  ): Promise<{ readonly device: DeviceId; readonly online: boolean; readonly since: string }[]> {
    const { verified } = await this.#hub(call, org, []);
    if (devices.length > presenceDevicesMax) throw new Error(`at most ${presenceDevicesMax} devices`);
    const own = verifiedOrg(verified);
    const count = parseShardCount(this.env.HUB_SHARDS);
    const ids = devices.map((device) => parsed("device", device));
    const homes = Map.groupBy(ids, (device) => homeName(own, device, count));
    const asked = [...homes].map(([name, here]) => this.env.TENANT_HUB.getByName(name).presence(own, here));
    const known = new Map((await Promise.all(asked)).flat().map((entry) => [entry.device, entry] as const));
    return ids.flatMap((device) => known.get(device) ?? []);
  }

  /** Whoever may see the organisation's policies may see what is used of them (`policies:read`). */
  async #policyReader(call: SignedCall, org: OrgId, jobs: readonly Job[] = []): Promise<OrgId> {
    const { verified } = await this.#hub(call, org, jobs);
    if (verified.kind === "user" && !isManager(verified.role) && verified.role !== "readonly")
      throw new CallRefused("not_granted");
    return verifiedOrg(verified);
  }

  /** No user's to say, an owner's neither: studio's job alone. */
  async #lifecycle(call: SignedCall, org: OrgId): Promise<OrgId> {
    const own = parsed("org", org);
    const expected = { audience: "durable-objects.hub-control", org: own, jobs: ["lifecycle"] } as const;
    return verifiedOrg(await verifyInward(this.env, call, expected));
  }

  /** The object that a device lives in. */
  #homeOf(org: OrgId, device: DeviceId): ReturnType<Env["TENANT_HUB"]["getByName"]> {
    return this.env.TENANT_HUB.getByName(homeName(org, device, parseShardCount(this.env.HUB_SHARDS)));
  }

  async #hub(
    call: SignedCall,
    org: OrgId,
    jobs: readonly Job[],
  ): Promise<{ hub: ReturnType<Env["TENANT_HUB"]["getByName"]>; verified: VerifiedCall }> {
    const own = parsed("org", org);
    const verified = await verifyInward(this.env, call, {
      audience: "durable-objects.hub-control",
      org: own,
      users: true,
      jobs,
    });
    return { hub: this.env.TENANT_HUB.getByName(own), verified };
  }
}

function isManager(role: Role): boolean {
  return role === "owner" || role === "admin";
}

function managerOnly(call: VerifiedCall): void {
  if (call.kind !== "user" || !isManager(call.role)) throw new CallRefused("not_granted");
}

/** The organisation as the assertion names it: what was verified is what is used. */
function verifiedOrg(call: VerifiedCall): OrgId {
  if (call.org === null) throw new CallRefused("wrong_org");
  return call.org;
}

function parsed<K extends IdKind>(kind: K, text: unknown): Id<K> {
  const id = parseId(kind, text);
  if (id === null) throw new Error(`not the id of a ${kind}`);
  return id;
}

import type { DeviceId, GroupId, OrgId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { Job } from "../../../core/mesh/workloads.ts";
import type { HubControlRpc } from "../../../core/rpc/durable-objects.ts";

interface HubState {
  readonly tokens: Map<DeviceId, string>;
  readonly groups: Map<GroupId, { devices: readonly DeviceId[]; members: readonly UserId[] }>;
  readonly online: Map<DeviceId, { online: boolean; since: string }>;
  readonly published: { device: DeviceId; payload: string }[];
}

/**
 * Stands in for the Durable Object, which does not run in Node: it keeps what it was told per tenant,
 * verifies each call as the real one does, and can be told to fail or to stop at a call.
 */
export class FakeHub implements HubControlRpc {
  readonly #keys: MeshKeys;
  readonly #tenants = new Map<OrgId, HubState>();
  /** Names of methods in the order in which they were called, refused ones too. */
  readonly calls: string[] = [];
  /** Runs before a call takes effect; throws to make the call fail. */
  before: (method: string) => Promise<void> | void = () => undefined;
  /** Runs after a group was put and before the caller hears of it. */
  afterPutGroup: () => Promise<void> | void = () => undefined;

  constructor(keys: MeshKeys) {
    this.#keys = keys;
  }

  /** What the hub of one tenant holds. */
  of(org: OrgId): HubState {
    const known = this.#tenants.get(org);
    if (known !== undefined) return known;
    const made: HubState = { tokens: new Map(), groups: new Map(), online: new Map(), published: [] };
    this.#tenants.set(org, made);
    return made;
  }

  /** As HubControl does: a job may do nothing but make a device known, and only a manager changes anything. */
  async #enter(method: string, call: SignedCall, org: OrgId): Promise<HubState> {
    this.calls.push(method);
    const jobs: readonly Job[] = method === "putDevice" ? ["enroll"] : [];
    const expect = { audience: "durable-objects.hub-control", org, users: true, jobs } as const;
    const verified = await verifyCall(call, expect, this.#keys, Date.now());
    const manages = verified.kind === "job" || verified.role === "owner" || verified.role === "admin";
    if (!manages && method !== "presence") throw new CallRefused("not_granted");
    await this.before(method);
    return this.of(org);
  }

  async putDevice(call: SignedCall, org: OrgId, device: DeviceId, tokenSha256: string): Promise<void> {
    (await this.#enter("putDevice", call, org)).tokens.set(device, tokenSha256);
  }
  async removeDevice(call: SignedCall, org: OrgId, device: DeviceId): Promise<void> {
    (await this.#enter("removeDevice", call, org)).tokens.delete(device);
  }
  async putGroup(
    call: SignedCall,
    org: OrgId,
    group: GroupId,
    content: { readonly devices: readonly DeviceId[]; readonly members: readonly UserId[] },
  ): Promise<void> {
    const { groups } = await this.#enter("putGroup", call, org);
    if (content.devices.length + content.members.length === 0) groups.delete(group);
    else groups.set(group, content);
    await this.afterPutGroup();
  }
  async publishCommand(call: SignedCall, org: OrgId, device: DeviceId, payload: string): Promise<void> {
    (await this.#enter("publishCommand", call, org)).published.push({ device, payload });
  }
  async presence(
    call: SignedCall,
    org: OrgId,
    devices: readonly DeviceId[],
  ): Promise<{ readonly device: DeviceId; readonly online: boolean; readonly since: string }[]> {
    const { online } = await this.#enter("presence", call, org);
    return devices.flatMap((device) => {
      const entry = online.get(device);
      return entry === undefined ? [] : [{ device, ...entry }];
    });
  }
  async putMember(): Promise<void> {
    throw new Error("capabilities do not speak for members");
  }
  async putKey(): Promise<void> {
    throw new Error("capabilities do not make keys");
  }
  async endSessions(): Promise<void> {
    throw new Error("capabilities do not end sessions");
  }
}

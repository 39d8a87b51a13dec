import type { DeviceId } from "../../core/ids.ts";
import { reasonCodes } from "../../core/mqtt/reason-codes.ts";
import type { RefusedDevices } from "../../core/rpc/durable-objects.ts";
import {
  type GeoFacts,
  type GeoPolicy,
  judgeGeo,
  mayTravel,
  parseGeoPolicy,
  type Surface,
} from "../../core/tenancy/geo-policy.ts";
import { type GeoSeen, readGeoSeen, writeGeoSeen } from "../../core/tenancy/geo-seen.ts";
import { refusal } from "./broker/closes.ts";
import type { Identity, Socket, SocketId } from "./broker/session.ts";
import { GeoDevices } from "./geo-devices.ts";
import { readMeta, writeMeta } from "./shards/tables.ts";
import type { ToldGeo } from "./told.ts";

/** How a socket ends that a new policy refuses. */
export const geoClose = refusal("geo_denied: not from this country or network", reasonCodes.not_authorized);

/**
 * From where the sockets of one hub come, and whether they may. A connection is judged when it is known whose it is:
 * by the policy that studio told the hub, else, where none was ever changed since hubs are told, by what the edge
 * found. A new policy, and the end of what a policy allows for a time, judge the open ones again.
 */
export class GeoWatch {
  readonly #sql: SqlStorage;
  readonly #devices: GeoDevices;
  /** Null: never told. Written by the constructor and `put`. */
  #known: ToldGeo | null;
  /** Written by `#remember` and `forget`; with the text that the attachment keeps, which is stored far more often. */
  readonly #seen = new Map<SocketId, { readonly seen: GeoSeen; readonly text: string }>();

  /** @throws when the stored policy is none: then the hub serves nobody */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#devices = new GeoDevices(sql);
    const stored = readMeta(sql, "geo");
    this.#known = stored === null ? null : parseKnown(JSON.parse(stored));
  }

  get told(): ToldGeo | null {
    return this.#known;
  }

  /** @returns false for an older word than the one that is known */
  put(policy: GeoPolicy, version: number): boolean {
    if (this.#known !== null && version < this.#known.version) return false;
    this.#known = { version, policy };
    writeMeta(this.#sql, "geo", JSON.stringify(this.#known));
    return true;
  }

  /**
   * A socket was accepted, or came back from hibernation.
   * @param text what the edge said of its upgrade, or its attachment kept; null: an edge that says nothing yet
   */
  opened(id: SocketId, text: string | null): void {
    const seen = readGeoSeen(text);
    if (seen !== null) this.#remember(id, seen);
  }

  #remember(id: SocketId, seen: GeoSeen): void {
    this.#seen.set(id, { seen, text: writeGeoSeen(seen) });
  }

  forget(id: SocketId): void {
    this.#seen.delete(id);
  }

  /** What a socket's attachment keeps. */
  attachmentOf(id: SocketId): string | null {
    return this.#seen.get(id)?.text ?? null;
  }

  /**
   * Judges a CONNECT. The surface is that of the credential that counts: a device's token or a program's in CONNECT
   * is not the cookie that opened the socket.
   */
  admits(socket: Socket, identity: Identity, nowMs: number): boolean {
    if (identity.kind !== "device" && identity.kind !== "user") return true;
    const seen = this.#seen.get(socket.id)?.seen;
    // With a policy at hand and nothing to judge by it, nobody is let in.
    if (seen === undefined) return this.#known === null;
    const ownCredentials = (socket.connect?.password?.length ?? 0) > 0;
    const byCookie = seen.surface === "dashboard" && !ownCredentials;
    const surface: Surface = identity.kind === "device" ? "devices" : byCookie ? "dashboard" : "api";
    const user = identity.kind === "user" ? identity.user : null;
    const allowed = this.#allows(seen, surface, user, nowMs);
    if (!allowed) return false;
    this.#remember(socket.id, { ...seen, surface });
    if (identity.kind === "device") this.#devices.note(identity.device, seen, nowMs);
    return true;
  }

  #allows(seen: GeoSeen, surface: Surface, user: Parameters<typeof mayTravel>[1] | null, nowMs: number): boolean {
    if (this.#known === null) return seen.standings[surface] === "admitted";
    const { policy } = this.#known;
    const standing = judgeGeo(policy, surface, seen.facts, nowMs);
    if (standing !== "person_only") return standing === "admitted";
    return user !== null && mayTravel(policy, user, seen.facts.country, nowMs);
  }

  /** Connected sockets that the policy refuses now. */
  refused(sockets: Iterable<Socket>, nowMs: number): SocketId[] {
    if (this.#known === null) return [];
    return [...sockets].flatMap((socket) => {
      if (socket.phase !== "connected") return [];
      const seen = this.#seen.get(socket.id)?.seen;
      const surface = seen?.surface ?? null;
      if (seen === undefined || surface === null) return [socket.id];
      return this.#allows(seen, surface, socket.identity?.user ?? null, nowMs) ? [] : [socket.id];
    });
  }

  /** When something that the policy allows for a time ends next, Unix milliseconds; null: nothing does. */
  nextEndMs(nowMs: number): number | null {
    if (this.#known === null) return null;
    const { revert, opened, exceptions } = this.#known.policy;
    const ends = [revert?.atMs, opened?.untilMs, ...exceptions.map(({ untilMs }) => untilMs)];
    const ahead = ends.filter((end): end is number => end !== undefined && end > nowMs);
    return ahead.length === 0 ? null : Math.min(...ahead);
  }

  /**
   * Devices of the last days that one policy takes and the other does not, those that are connected now by where
   * they are now.
   */
  refusedDevices(
    policies: { readonly before: GeoPolicy; readonly after: GeoPolicy },
    sockets: Iterable<Socket>,
    isKnown: (device: DeviceId) => boolean,
    nowMs: number,
  ): RefusedDevices {
    const connected = [...sockets].flatMap((socket) => {
      const principal = socket.session?.principal;
      const seen = this.#seen.get(socket.id)?.seen;
      return principal?.kind === "device" && seen !== undefined
        ? [{ device: principal.device, facts: seen.facts }]
        : [];
    });
    const lets = (policy: GeoPolicy, facts: GeoFacts): boolean =>
      judgeGeo(policy, "devices", facts, nowMs) === "admitted";
    return this.#devices.refused(connected, nowMs, (device, facts) => {
      return isKnown(device) && lets(policies.before, facts) && !lets(policies.after, facts);
    });
  }
}

function parseKnown(json: unknown): ToldGeo {
  const { version, policy } = (json ?? {}) as Record<string, unknown>;
  const parsed = parseGeoPolicy(policy);
  if (parsed === null || typeof version !== "number") throw new Error("not a geo policy");
  return { version, policy: parsed };
}

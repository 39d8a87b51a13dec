import { WorkerEntrypoint } from "cloudflare:workers";
import { noteCharactersMax } from "../../core/audit/signed-note.ts";
import { formatTilePath, parseTilePath, type TilePath } from "../../core/audit/tile-path.ts";
import { tileWidth } from "../../core/audit/tree.ts";
import { witnessKeyCharactersMax } from "../../core/audit/witness-key.ts";
import type { OrgId } from "../../core/ids.ts";
import type { SignedCall } from "../../core/mesh/claims.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import type {
  AuditProofsRpc,
  CheckpointView,
  ConsistencyView,
  CosignAnswer,
  InclusionView,
  WitnessedView,
} from "../../core/rpc/audit-proofs.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import type { Env } from "../env.ts";
import { verifyInward } from "../mesh.ts";
import { getBytes, tileName } from "./copy-bucket.ts";

/** As for the list: Studio decides by its permission table (`audit:read`); one that forgets to is refused here. */
const readers: readonly Role[] = ["owner", "admin", "readonly"];

/** Proofs about one's own organisation's log, for studio: which organisation is the user's token's word. */
export class AuditProofs extends WorkerEntrypoint<Env> implements AuditProofsRpc {
  async checkpoint(call: SignedCall): Promise<CheckpointView | null> {
    return await this.env.AUDIT_LOG.getByName(await this.#readable(call)).checkpoint();
  }

  async inclusion(call: SignedCall, seq: number, size: number | null): Promise<InclusionView | null> {
    const log = await this.#readable(call);
    checkCounts(seq, size ?? seq);
    return await this.env.AUDIT_LOG.getByName(log).inclusion(seq, size);
  }

  async consistency(call: SignedCall, from: number, to: number | null): Promise<ConsistencyView | null> {
    const log = await this.#readable(call);
    checkCounts(from, to ?? from);
    return await this.env.AUDIT_LOG.getByName(log).consistency(from, to);
  }

  async tile(call: SignedCall, path: TilePath): Promise<Uint8Array<ArrayBuffer> | null> {
    const log = await this.#readable(call);
    const { level, index, width } = path;
    const parsed = parseTilePath(formatTilePath({ level, index, width }));
    if (parsed === null) throw new RangeError("not a tile's name");
    return (await this.#copied(log, parsed)) ?? (await this.env.AUDIT_LOG.getByName(log).tile(parsed));
  }

  /**
   * A full tile from the second copy, where only what was signed is, and which never changes: whoever reads a whole
   * log leaves its object alone. Null also when the bucket does not answer.
   */
  async #copied(log: OrgId, path: TilePath): Promise<Uint8Array<ArrayBuffer> | null> {
    if (path.width < tileWidth) return null;
    return await getBytes(this.env.AUDIT_COPY, tileName(log, path)).catch(() => null);
  }

  async witnessed(call: SignedCall, from: number): Promise<WitnessedView | null> {
    const log = await this.#witnessable(call);
    if (from !== 0) checkCounts(from);
    return await this.env.AUDIT_LOG.getByName(log).witnessed(from);
  }

  async cosign(call: SignedCall, verifier: string, size: number, line: string): Promise<CosignAnswer> {
    const log = await this.#witnessable(call);
    checkCounts(size);
    if (typeof verifier !== "string" || verifier.length > witnessKeyCharactersMax) throw new RangeError("not a key");
    if (typeof line !== "string" || line.length > noteCharactersMax) throw new RangeError("not a line of a note");
    return await this.env.AUDIT_LOG.getByName(log).cosign(verifier, size, line);
  }

  /** The organisation whose witness it is: a job that reads no entry and no proof of one. @throws CallRefused */
  async #witnessable(call: SignedCall): Promise<OrgId> {
    const expected = { audience: "durable-objects.audit-reader", jobs: ["audit_witness"] } as const;
    const verified = await verifyInward(this.env, call, expected);
    if (verified.kind !== "job" || verified.org === null) throw new CallRefused("wrong_job");
    return verified.org;
  }

  /** The caller's own organisation. @throws CallRefused */
  async #readable(call: SignedCall): Promise<OrgId> {
    const verified = await verifyInward(this.env, call, { audience: "durable-objects.audit-reader", users: true });
    if (verified.kind !== "user") throw new CallRefused("wrong_job");
    if (!readers.includes(verified.role)) throw new CallRefused("not_granted");
    return verified.org;
  }
}

/** @throws RangeError for numbers that the API's own parsing would not let through */
function checkCounts(...counts: readonly number[]): void {
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 1))
    throw new RangeError("not a count of entries");
}

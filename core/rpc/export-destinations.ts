/** What the `ExportDestinations` entrypoint of capabilities offers to studio, which keeps the destinations. */
import type { DeliveryOutcome } from "../exports/destination.ts";
import type { ExportTarget, TargetSettings } from "../exports/target.ts";
import type { ExportDestinationId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";

/** A refusal that the caller turns into a problem; anything else that goes wrong throws. */
export type DestinationResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `invalid_request`: an address that may not be called, or settings that the caller should have refused. */
  | { readonly ok: false; readonly code: "forbidden" | "invalid_request" | "key_unavailable" };

export interface SealedSecret {
  readonly sealed: string;
  /** The first 64 bits of its SHA-256, in hexadecimal: tells secrets apart and gives nothing to guess one by. */
  readonly fingerprint: string;
}

export interface ExportDestinationsRpc {
  /**
   * Judges settings, and seals a secret for one destination.
   * @param secret null: it stays as it is, and there is nothing to seal
   */
  prepare(
    call: SignedCall,
    id: ExportDestinationId,
    settings: TargetSettings,
    secret: string | null,
  ): Promise<DestinationResult<SealedSecret | null>>;
  /** Writes a small object, or posts a message that carries nothing. */
  tryOut(call: SignedCall, target: ExportTarget): Promise<DestinationResult<DeliveryOutcome>>;
}

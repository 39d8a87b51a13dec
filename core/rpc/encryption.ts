/** `Encryption`: an organisation's data keys and who keeps what wraps them. Of the capabilities Worker, for studio. */
import type { SignedCall } from "../mesh/claims.ts";
import type { Result } from "./capabilities.ts";
import type { EncryptionState } from "./data.ts";

/** A keeper that an owner names, with what it knows us by. */
export type KeeperInput =
  | { readonly kind: "sentinel" }
  | {
      readonly kind: "https";
      /** https on a public name, without a slash at the end. */
      readonly address: string;
      readonly token: string;
    }
  | {
      readonly kind: "aws_kms";
      /** Of a key, not of an alias. */
      readonly keyArn: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    };

export interface EncryptionRpc {
  describe(call: SignedCall): Promise<Result<EncryptionState>>;
  /**
   * Wraps every data key of the organisation by the new keeper, which has to unwrap them again first.
   * `key_unavailable`: one of the two keepers did not do its part, and nothing was changed; `conflict`: the
   * keys changed meanwhile; `invalid_request`: the address may not be called, or the ARN is none of a key. Rows and backups stay as they are: it is their keys' keeper that changes.
   */
  changeKeeper(call: SignedCall, keeper: KeeperInput): Promise<Result<EncryptionState>>;
  /** Asks the keeper for the current key, whatever is held in memory. */
  verify(call: SignedCall): Promise<Result<EncryptionState>>;
  /** Makes a new data key: what is sealed from now on is sealed under it, the others go on opening. */
  rotate(call: SignedCall): Promise<Result<EncryptionState>>;
  /** Wraps every data key anew by the keeper that there is, for when Sentinel's own key-encryption key changes. */
  rewrap(call: SignedCall): Promise<Result<EncryptionState>>;
}

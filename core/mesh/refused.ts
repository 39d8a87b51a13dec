/** Why a token or an inward call was not accepted. Inward detail: callers show `invalid_token` or a 500. */
export type RefusalReason =
  | "missing"
  | "malformed"
  | "bad_certificate"
  | "bad_signature"
  | "expired"
  | "not_yet_valid"
  | "replayed"
  | "wrong_audience"
  | "wrong_issuer"
  | "wrong_type"
  | "not_granted"
  | "wrong_org"
  | "wrong_job"
  | "user_not_accepted"
  | "access_token_mismatch";

/** Thrown by every verification; carries no token text. */
export class CallRefused extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason) {
    super(`call refused: ${reason}`);
    this.name = "CallRefused";
    this.reason = reason;
  }
}

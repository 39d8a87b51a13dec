/**
 * - `not_a_backup`: it does not begin like one, or is of a version that this program does not know.
 * - `malformed_header`: the header is none; nothing was decrypted.
 * - `not_authentic`: a chunk does not open: another key, a changed header, or chunks that were changed, cut off,
 *   left out, repeated, put in another order or taken from another backup. Which of these is not known.
 * - `inconsistent`: it opens, and what is inside contradicts itself: whoever wrote it did so wrongly.
 */
export type BackupRefusal = "not_a_backup" | "malformed_header" | "not_authentic" | "inconsistent";

/** A backup that is not taken. What was read of it before this is worth nothing. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
  readonly code: BackupRefusal;

  constructor(code: BackupRefusal, message: string) {
    super(message);
    this.code = code;
  }
}

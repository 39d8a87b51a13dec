import type { LoginMethod } from "../../../core/audit/vocabulary.ts";
import type { UserId } from "../../../core/ids.ts";
import type { DoorScope } from "../../../store/control/org-scope.ts";
import type { NewSession } from "../../../store/control/sessions.ts";

/** Somebody whose first proof has just been checked, by whichever method. */
export interface FirstStep {
  readonly user: UserId;
  readonly email: string;
  readonly name: string;
  readonly method: Exclude<LoginMethod, "refresh_token">;
  /** True for a passkey that verified its user: two factors by itself (NIST 800-63B-4 §2.2.1). */
  readonly strong: boolean;
  /** The one organisation that the session will count in: its own provider proved the person. Default: everywhere. */
  readonly onlyOrg?: DoorScope | null;
  /** A one-time code that came along. */
  readonly otp?: string | undefined;
  /** A hash with newer parameters, when the stored one is behind. */
  readonly rehashed: NewSession["rehashed"];
  /** The stored hash that a password was checked against. */
  readonly passwordHash?: string;
  /** True when the client asked for tokens besides the cookie. */
  readonly tokens: boolean;
}

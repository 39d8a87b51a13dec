import { makeId } from "../../../core/ids.ts";
import { enrollmentCodePerMinute } from "../../../core/limits.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { canonicalEnrollmentCode, parseEnrollmentCode } from "../../../core/tenancy/enrollment-code.ts";
import { planLimits } from "../../../core/tenancy/plan.ts";
import { findUsableCode, redeemEnrollmentCode, undoEnrollment } from "../../../store/tenant/enrollment.ts";
import type { Handler } from "./handler.ts";
import { parseName } from "./names.ts";
import { ok, refused } from "./result.ts";
import { makeDeviceToken, sha256Hex } from "./secrets.ts";
import { settleDevice } from "./settle.ts";

/**
 * Turns a code into a device: the code found and counted, then redeemed and the device stored (the commit point),
 * then the hub told, then the token handed out. Counted once it is known to be a code, so that guesses fill no
 * count, and before it is redeemed, so that a refusal undoes nothing.
 *
 * If the hub can't be told, the enrolment is taken back and the caller may try again with the same
 * code. A crash in between leaves a device whose token nobody was ever shown and one use spent:
 * nobody has gained access. Whatever is wrong with a code, the answer is the same; the lookup is by
 * hash, so its time says nothing about how near a guess was.
 */
export const enroll: Handler<DevicesRpc["enroll"]> = async (context, input) => {
  const name = parseName(input.name);
  const platform = parseName(input.platform);
  if (name === null || platform === null || !isPublicKey(input.publicKey)) return refused("invalid_request");
  const { devicesMax = planLimits.district.devices } = input;
  if (!Number.isSafeInteger(devicesMax) || devicesMax < 0) return refused("invalid_request");
  const code = parseEnrollmentCode(input.code);
  if (code === null) return refused("invalid_enrollment_code");

  const id = makeId("device", context.now(), context.random(new Uint8Array(10)));
  const token = makeDeviceToken(context.random);
  const tokenSha256 = await sha256Hex(token);
  const device = { id, name, platform, tokenSha256, publicKey: input.publicKey };
  const codeSha256 = await sha256Hex(canonicalEnrollmentCode(code));
  const usable = await findUsableCode(context.database, codeSha256);
  if (usable === null) return refused("invalid_enrollment_code");
  const rate = await context.countEnrollment(usable.id, usable.rolloutPerMinute ?? enrollmentCodePerMinute);
  if (!rate.allowed) return ok({ kind: "limited", rate });
  const redeemed = await redeemEnrollmentCode(context.database, codeSha256, device, devicesMax);
  if (redeemed === "full") return ok({ kind: "full", rate });
  if (redeemed === "no_code") return refused("invalid_enrollment_code");

  let told: string | null;
  try {
    told = await settleDevice(context, id, tokenSha256);
  } catch (error) {
    // What went wrong first is what the caller must hear; a failed undoing is the crash described above.
    await undoEnrollment(context.database, id).catch(() => undefined);
    throw error;
  }
  // Null: somebody removed the device the moment it appeared. The hub may know it for a moment longer
  // (a job may not remove devices there), under a token that is forgotten here.
  if (told !== tokenSha256) return refused("invalid_enrollment_code");
  return ok({ kind: "enrolled", device: id, token, code: usable.id, rate });
};

/** Base64, base64url or hexadecimal, up to the size of a large RSA key. Null: none. */
function isPublicKey(value: unknown): boolean {
  return value === null || (typeof value === "string" && /^[A-Za-z0-9+/_=-]{1,1024}$/.test(value));
}

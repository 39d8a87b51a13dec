import type { AuditFields } from "../../../../core/audit/events.ts";
import type { EnrollmentAction } from "../../../../core/audit/vocabulary.ts";
import type { DeviceId, EnrollmentCodeId, UserId } from "../../../../core/ids.ts";

/** The event of something done about a device's joining. @param by null: the device itself, by a code */
export function enrollmentEvent(
  by: UserId | null,
  action: EnrollmentAction,
  { code = null, device = null }: { readonly code?: EnrollmentCodeId | null; readonly device?: DeviceId | null },
): AuditFields {
  return { type: "enrollment", user_id: by, action, code_id: code, device_id: device };
}

import { addFirstRecoveryCodes } from "../../../../store/control/factors/recovery-codes.ts";
import type { PersonContext } from "../../pipeline/request-context.ts";
import { recordFactorChange } from "./record-change.ts";
import { makeRecoveryCodes } from "./recovery-codes.ts";

/** Recovery codes that come along with a person's first factor; nothing for a further one. Shown once. */
export async function firstRecoveryCodes(context: PersonContext): Promise<{ readonly recovery_codes?: string[] }> {
  const { services, person } = context;
  const made = makeRecoveryCodes(services.randomBytes);
  if (!(await addFirstRecoveryCodes(services.database, context.write(), person.user, made.hashes))) return {};
  await recordFactorChange(context, person, { factor: "recovery_codes", action: "added" });
  return { recovery_codes: made.codes };
}

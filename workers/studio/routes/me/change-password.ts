import { z } from "@hono/zod-openapi";
import { findCredentials, membershipsOf } from "../../../../store/control/users.ts";
import { checkOwnPassword } from "../../auth/check-own-password.ts";
import { objectionTo, refuseHash, refusePassword } from "../../auth/password-policy.ts";
import { replacePassword } from "../../auth/replace-password.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type Refusal, refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import type { PersonContext } from "../../pipeline/request-context.ts";
import { presentedPassword, replacingPassword } from "../auth/schemas.ts";

const body = z.strictObject({ current_password: presentedPassword.optional(), new_password: replacingPassword });

/**
 * One's own new password. Who has one says it (ASVS 6.2.3), who signs in by other means adds a first one.
 * All other sessions end.
 */
export const changePassword = defineRoute(
  "changePassword",
  { caller: "person", body, status: 204, answer: nothing },
  async (context, input) => {
    const { services, person } = context;
    const { current_password: current, new_password: wanted } = input.body;
    const [found, memberships] = await Promise.all([
      findCredentials(services.database, person.email),
      membershipsOf(services.database, person.user),
    ]);
    if (found === null || found.id !== person.user) return refuse("conflict");
    const refused = await judgeCurrent(context, current, found.passwordHash);
    if (refused !== null) return refused;
    const about = { ...person, organisations: memberships.flatMap(({ name, slug }) => [name, slug]) };
    const objection = objectionTo(wanted, about, person.hasFactor);
    if (objection !== null) return refusePassword("new_password", objection, person.hasFactor);
    const hashed = await services.passwords.hash(wanted);
    if (hashed.kind !== "ok") return refuseHash("new_password", hashed);
    const replaced = await replacePassword(context, {
      who: person,
      password: wanted,
      hash: hashed.hash,
      by: { oldHash: found.passwordHash },
      except: person.session,
      end: { reason: "by_owner", by: person.user },
      action: found.passwordHash === null ? "added" : "changed",
    });
    return replaced ? answer(null) : refuse("conflict");
  },
);

/** Null when it is the person's password, or they have none yet. */
async function judgeCurrent(
  context: PersonContext,
  current: string | undefined,
  stored: string | null,
): Promise<Refusal | null> {
  if (stored === null) return null;
  if (current === undefined)
    return refuse("invalid_request", { errors: [{ path: "current_password", message: "is needed" }] });
  return checkOwnPassword(context, current, stored);
}

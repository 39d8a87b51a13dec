import { z } from "@hono/zod-openapi";
import { findCredentials } from "../../../../store/control/users.ts";
import { checkOwnPassword } from "../../auth/check-own-password.ts";
import { objectionTo, refuseHash, refusePassword } from "../../auth/password-policy.ts";
import { replacePassword } from "../../auth/replace-password.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type Refusal, refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import type { OwnContext } from "../../pipeline/request-context.ts";
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
    const { services, person, own } = context;
    const { current_password: current, new_password: wanted } = input.body;
    const before = await judgeCurrent(context, current);
    if (before.kind === "refused") return before.refusal;
    const about = { ...person, organisations: own.memberships.flatMap(({ name, slug }) => [name, slug]) };
    const objection = objectionTo(wanted, about, person.hasFactor);
    if (objection !== null) return refusePassword("new_password", objection, person.hasFactor);
    const hashed = await services.passwords.hash(wanted);
    if (hashed.kind !== "ok") return refuseHash("new_password", hashed);
    const replaced = await replacePassword(context, {
      who: person,
      password: wanted,
      hash: hashed.hash,
      by: { oldHash: before.hash },
      except: person.session,
      end: { reason: "by_owner", by: person.user },
      action: before.hash === null ? "added" : "changed",
    });
    return replaced ? answer(null) : refuse("conflict");
  },
);

type Before =
  /** Null: they have none yet. */
  { readonly kind: "known"; readonly hash: string | null } | { readonly kind: "refused"; readonly refusal: Refusal };

/** What their password was, if they have said it or have none. */
async function judgeCurrent(context: OwnContext, current: string | undefined): Promise<Before> {
  if (current !== undefined) {
    const checked = await checkOwnPassword(context, current);
    if (checked.kind === "refused") return checked;
    if (checked.kind === "gone") return { kind: "refused", refusal: refuse("conflict") };
    return { kind: "known", hash: checked.kind === "right" ? checked.hash : null };
  }
  const found = await findCredentials(context.services.database, context.person.email);
  if (found === null || found.id !== context.person.user) return { kind: "refused", refusal: refuse("conflict") };
  if (found.passwordHash === null) return { kind: "known", hash: null };
  const errors = [{ path: "current_password", message: "is needed" }];
  return { kind: "refused", refusal: refuse("invalid_request", { errors }) };
}

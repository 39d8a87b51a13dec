import type { FactorChange } from "../../../core/audit/events.ts";
import type { SessionId } from "../../../core/ids.ts";
import { type NewPassword, setPassword } from "../../../store/control/password-resets.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { type EndOfSessions, endAllSessions } from "./end-all-sessions.ts";
import { endSocketsOf } from "./end-sockets.ts";
import { recordFactorChange } from "./factors/record-change.ts";
import { needsFactor } from "./password-policy.ts";

export interface Replacement {
  readonly who: { readonly user: NewPassword["user"]; readonly email: string };
  /** As typed, already judged. */
  readonly password: string;
  readonly hash: string;
  readonly by: NewPassword["by"];
  readonly except: SessionId | null;
  readonly end: Pick<EndOfSessions, "reason" | "by">;
  readonly action: FactorChange["action"];
}

/**
 * Sets a password and ends what began with the old one (ASVS 7.4.3). The sessions and their sockets go
 * first: if a hub can't be told, nothing has changed and the same link, or the same form, works again. Those
 * that began in between end with the change itself.
 * @returns false when it was no longer allowed
 * @throws Unavailable, AuditUnavailable
 */
export async function replacePassword(context: RequestContext, replacement: Replacement): Promise<boolean> {
  const { services, requestId } = context;
  const { who, except, end } = replacement;
  await endAllSessions(context, who.user, { ...end, ...(except === null ? {} : { except }) });
  const ended = await setPassword(services.database, context.write(), {
    user: who.user,
    hash: replacement.hash,
    needsFactor: needsFactor(replacement.password),
    except,
    by: replacement.by,
  });
  if (ended === null) return false;
  await recordFactorChange(context, who, { factor: "password", action: replacement.action });
  await endSocketsOf(services, who.user, ended.sessions, requestId, ended.memberships);
  return true;
}

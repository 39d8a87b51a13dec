import type { AuditFields } from "../../../core/audit/events.ts";
import type { SessionId, UserId } from "../../../core/ids.ts";
import { endSessionsOf } from "../../../store/control/end-sessions.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { endSocketsOf } from "./end-sockets.ts";

export interface EndOfSessions {
  /** The session that stays: the one that asks. */
  readonly except?: SessionId;
  readonly reason: Extract<AuditFields, { type: "session_end" }>["reason"];
  /** Who ends them; null: the platform's operator, or the person by a mailed link. */
  readonly by: UserId | null;
}

/**
 * Ends every session of a person: rows, refresh families, unfinished sign-ins, then the sockets in every
 * organisation. Audited by one `session_end` (ASVS 7.4.2, 7.4.3, 7.4.5).
 *
 * The rows go first, unlike at sign-out: who asks is not who loses the session, so they can ask again when
 * a hub can't be told, while whoever is to be kept out is out of the API from this moment, whatever the hubs
 * do. Asking again tells the hubs the same, for as long as a token of an ended session could live.
 * @throws Unavailable when a hub could not be told
 */
export async function endAllSessions(context: RequestContext, user: UserId, end: EndOfSessions): Promise<void> {
  const { services, requestId } = context;
  const target = { user, except: end.except ?? null };
  const { sessions, memberships } = await endSessionsOf(services.database, context.write(), target);
  context.caused([
    { type: "session_end", user_id: end.by, target_user_id: user, session_id: null, reason: end.reason },
  ]);
  await endSocketsOf(services, user, sessions, requestId, memberships);
}

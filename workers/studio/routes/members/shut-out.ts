import type { UserId } from "../../../../core/ids.ts";
import { allTried } from "../../all-tried.ts";
import { type EndOfSessions, endAllSessions } from "../../auth/end-all-sessions.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { syncMember } from "./sync-member.ts";

/** A disabled member keeps their groups. */
const disabled = { role: null, member: true } as const;

/**
 * Closes everything that a member who has just been disabled has open: what this organisation's hub knows of
 * them, and every session. Side by side, so that a part that is away holds up none of the rest.
 * @throws Unavailable after all was tried; asking again finishes it
 */
export async function shutOut(context: MemberContext, user: UserId, end: EndOfSessions): Promise<void> {
  const { scope, membership } = context;
  await allTried([syncMember(context, scope, user, membership, disabled), endAllSessions(context, user, end)]);
}

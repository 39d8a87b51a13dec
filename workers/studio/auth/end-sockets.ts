import type { OrgId, RequestId, SessionId, UserId } from "../../../core/ids.ts";
import { accessTokenSecondsMax } from "../../../core/limits.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { endedSessionsMax } from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { recentlyEnded } from "../../../store/control/sessions.ts";
import { membershipsOf } from "../../../store/control/users.ts";
import { allTried } from "../all-tried.ts";
import { fromPart } from "../downstream.ts";
import { callAsUser } from "../pipeline/call-as-user.ts";
import type { Services } from "../services.ts";

/**
 * Pauses before a hub is asked again, in milliseconds: an object that is being moved or started answers
 * within them, and what must happen within a second still does.
 */
const pausesMs = [50, 400];

/** Closes what an ended session still has open, in every organisation of its person, before it returns. @throws Unavailable */
export function endSockets(
  services: Services,
  ended: { readonly user: UserId; readonly session: SessionId },
  requestId: RequestId,
): Promise<void> {
  return endSocketsOf(services, ended.user, [ended.session], requestId);
}

/** {@link endSockets} for several sessions of one person. @throws Unavailable */
export async function endSocketsOf(
  services: Services,
  user: UserId,
  sessions: readonly SessionId[],
  requestId: RequestId,
): Promise<void> {
  const [session] = sessions;
  if (session === undefined) return;
  const memberships: readonly { org: OrgId; role: Role }[] = await membershipsOf(services.database, user);
  // All are told before the first failure counts: one hub that is away keeps no socket open elsewhere.
  await allTried(
    memberships.map((scope) =>
      tellEnded(services, scope.org, sessions, () =>
        callAsUser(services, { user, session, scope }, "durable-objects.hub-control", requestId),
      ),
    ),
  );
}

/**
 * Tells the hub of an organisation that somebody is about to join, or to come back to, which of their sessions
 * have ended: it was told of none while they were no member, and a token of such a session, signed
 * for it when they were a member before, would open it for the rest of its hour. Before the hub learns of the member.
 * @throws Unavailable
 */
export async function tellEndedSessions(
  services: Services,
  joining: { readonly user: UserId; readonly scope: { readonly org: OrgId; readonly role: Role } },
  requestId: RequestId,
): Promise<void> {
  const sinceMs = services.now() - accessTokenSecondsMax * 1000;
  const ended = await recentlyEnded(services.database, joining.user, sinceMs);
  const [session] = ended;
  if (session === undefined) return;
  await tellEnded(services, joining.scope.org, ended, () =>
    callAsUser(services, { ...joining, session }, "durable-objects.hub-control", requestId),
  );
}

/** Tells one hub which sessions have ended, in as many calls as it takes. @throws Unavailable */
export async function tellEnded(
  services: Services,
  org: OrgId,
  sessions: readonly SessionId[],
  makeCall: () => Promise<SignedCall>,
): Promise<void> {
  await fromPart("hub", async () => {
    for (let first = 0; first < sessions.length; first += endedSessionsMax) {
      const some = sessions.slice(first, first + endedSessionsMax);
      await patiently(async () => services.hub.endSessions(await makeCall(), org, some));
    }
  });
}

async function patiently(work: () => Promise<void>): Promise<void> {
  for (const pauseMs of pausesMs) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return await work();
}

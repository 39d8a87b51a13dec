import type { OrgId, RequestId, SessionId, UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { endedSessionsMax } from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { recentlyEnded } from "../../../store/control/recently-ended.ts";
import { endSession } from "../../../store/control/sessions.ts";
import { membershipsOf } from "../../../store/control/users.ts";
import { allTried } from "../all-tried.ts";
import { fromPart } from "../downstream.ts";
import { callAsUser } from "../pipeline/call-as-user.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import type { Services } from "../services.ts";

/**
 * Pauses before a hub is asked again, in milliseconds: an object that is being moved or started answers
 * within them, and what must happen within a second still does.
 */
const pausesMs = [50, 400];

/**
 * Ends a session in hubs and rows, in this order: a hub that can't be told leaves a session that can still end,
 * where an ended one could not ask again and would leave its sockets open until its token's hour is over. An
 * organisation that the person joined meanwhile is told as well, by what the rows said when the session ended.
 * @param own the person's organisations as they were read for this request
 * @throws Unavailable
 */
export async function endSessionEverywhere(
  context: RequestContext,
  ended: { readonly user: UserId; readonly session: SessionId },
  own: readonly InOrganisation[],
): Promise<void> {
  const { services, requestId } = context;
  await endSockets(services, ended, requestId, own);
  const there = await endSession(services.database, context.write(), { id: ended.session, user: ended.user });
  await endSockets(services, ended, requestId, untold(there, own));
}

/** Organisations that somebody joined after the others were told. */
export function untold(now: readonly InOrganisation[], told: readonly InOrganisation[]): InOrganisation[] {
  return now.filter(({ org }) => !told.some((known) => known.org === org));
}

/** Closes what an ended session still has open, in every organisation of its person, before it returns. @throws Unavailable */
export function endSockets(
  services: Services,
  ended: { readonly user: UserId; readonly session: SessionId },
  requestId: RequestId,
  memberships?: readonly InOrganisation[],
): Promise<void> {
  return endSocketsOf(services, ended.user, [ended.session], requestId, memberships);
}

/** Where a hub is told, and as what its person's call is signed. */
export interface InOrganisation {
  readonly org: OrgId;
  readonly role: Role;
}

/**
 * {@link endSockets} for several sessions of one person.
 * @param known the person's organisations, where they were read for this request; absent: they are read now
 * @throws Unavailable
 */
export async function endSocketsOf(
  services: Services,
  user: UserId,
  sessions: readonly SessionId[],
  requestId: RequestId,
  known?: readonly InOrganisation[],
): Promise<void> {
  const [session] = sessions;
  if (session === undefined) return;
  const memberships = known ?? (await membershipsOf(services.database, user));
  // All are told before the first failure counts: one hub that is away keeps no socket open elsewhere.
  await allTried(
    memberships.map(({ org, role }) =>
      tellEnded(services, org, sessions, () =>
        callAsUser(services, { user, session, scope: { org, role } }, "durable-objects.hub-control", requestId),
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
  await tellOfEnded(services, joining, await recentlyEnded(services.database, joining.user, services.now()), requestId);
}

/** {@link tellEndedSessions} of sessions that were read already. @throws Unavailable */
export async function tellOfEnded(
  services: Services,
  joining: { readonly user: UserId; readonly scope: InOrganisation },
  ended: readonly SessionId[],
  requestId: RequestId,
): Promise<void> {
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

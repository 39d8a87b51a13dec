/**
 * Tickets for one download by a plain form, whose answer a browser saves as it comes: no script holds the bytes, no
 * secret is in an address, and no cookie is near what may be somebody's page.
 */
import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../core/audit/events.ts";
import { type OrgId, parseId } from "../../../core/ids.ts";
import { beginCeremony, type CeremonyKind, takeCeremony } from "../../../store/control/ceremonies.ts";
import { findSession } from "../../../store/control/sessions.ts";
import { sha256Hex } from "../auth/keys.ts";
import { looksLikeSecret, makeSecret } from "../auth/secrets.ts";
import { maySignInFromHere } from "../geo/judge-person.ts";
import { audited } from "../pipeline/audit.ts";
import type { ScopedSubject } from "../pipeline/call-as-user.ts";
import type { MemberContext, RequestContext } from "../pipeline/request-context.ts";

type TicketKind = Extract<CeremonyKind, "document" | "export">;

/**
 * Makes a ticket, bound to the session that asks for it.
 * @param of what it is for
 * @param lifeMs milliseconds
 */
export async function issueTicket(
  { services, person, scope, write }: MemberContext,
  kind: TicketKind,
  of: Readonly<Record<string, unknown>>,
  lifeMs: number,
): Promise<{ readonly ticket: string; readonly expires_at: string }> {
  const ticket = makeSecret(services.randomBytes);
  const expiresAtMs = services.now() + lifeMs;
  await beginCeremony(services.database, write(), {
    tokenHash: sha256Hex(ticket),
    kind,
    user: person.user,
    session: person.session,
    data: { org: scope.org, session: person.session, ...of },
    expiresAtMs,
  });
  return { ticket, expires_at: new Date(expiresAtMs).toISOString() };
}

const held = z.object({ org: z.string(), session: z.string() });

/**
 * Takes a ticket: whoever is first with it has it, whatever comes of it then.
 * @param of reads what it is for
 * @returns null when it was never one, is over, was shown before, is for another organisation, or when its holder's
 *   session has ended, is no active member's there any more, or may not sign in from here: all the same
 */
export async function redeemTicket<Of>(
  context: RequestContext,
  kind: TicketKind,
  ticket: string,
  of: z.ZodType<Of>,
): Promise<{ readonly holder: ScopedSubject; readonly of: Of } | null> {
  const { services } = context;
  if (!looksLikeSecret(ticket)) return null;
  const taken = await takeCeremony(services.database, context.write(), { tokenHash: sha256Hex(ticket), kind });
  if (taken === null || taken.user === null) return null;
  const bound = held.parse(taken.data);
  const [org, session] = [parseId("org", bound.org), parseId("session", bound.session)];
  if (org === null || session === null) throw new Error("a ticket holds no ids");
  const found = await findSession(services.database, { id: session, user: taken.user }, org, services.now());
  const membership = found?.membership ?? null;
  if (found === null || membership === null || membership.org !== org || membership.state !== "active") return null;
  const reference = context.orgReference?.toLowerCase();
  if (reference !== membership.org && reference !== membership.slug) return null;
  const { person } = found;
  if (!(await maySignInFromHere(context, org, person.user))) return null;
  const holder = { user: person.user, session: person.session, scope: { org, role: membership.role } };
  return { holder, of: of.parse(taken.data) };
}

/**
 * Puts on record what is about to be read: in the organisation's log, before the first byte. The request itself is in a
 * platform's, like all that know nobody.
 * @throws AuditUnavailable, and then nobody reads the bytes
 */
export async function recordDownload(
  { services, requestId }: RequestContext,
  org: OrgId,
  event: AuditFields,
  bytes: ReadableStream<Uint8Array>,
): Promise<void> {
  try {
    await audited(async () => {
      const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
      await services.audit.append(call, org, [event]);
    });
  } catch (error) {
    await bytes.cancel().catch(() => undefined);
    throw error;
  }
}

/**
 * Every way to an authority in an organisation, one function each. Who may call which is listed with its
 * reason in test/unit/repository/org-scope.test.ts: a new caller is a decision, and is written down there.
 */
import type { ProviderState } from "../../core/billing/provider.ts";
import type { OrgId } from "../../core/ids.ts";
import type { VerifiedAccess, VerifiedCall } from "../../core/mesh/claims.ts";
import type { DoorScope, FoundingScope, OrgScope, PlatformScope } from "./org-scope.ts";
import type { LiveSession } from "./sessions.ts";

/**
 * A member, or the service user of an API key: their token was verified and their session and membership
 * were read from the database for this very request. Good for what their role may do, which the pipeline has
 * asked before it makes one; what a role alone does not decide, each statement asks again.
 * @returns null where no organisation was addressed, or the person is nobody in it
 * @throws Error when the session that was read is not the token's: somebody else's rights would be used
 */
export function memberScope(access: VerifiedAccess, found: LiveSession): OrgScope | null {
  const { person, membership } = found;
  if (access.sub !== person.user || access.sid !== person.session) throw new Error("a session of another token");
  return membership === null ? null : ({ org: membership.org } as OrgScope);
}

/**
 * Whoever a verified call speaks for: a unit that was called, at work for the organisation in the call's
 * assertion. Null for a call that belongs to none.
 */
export function callScope(call: VerifiedCall): OrgScope | null {
  return call.org === null ? null : ({ org: call.org } as OrgScope);
}

/**
 * The platform's operator, whose token was compared for this request. Good for the platform's own rows, for
 * work in every organisation, and for {@link organisationOfOperator}.
 */
export function platformScope(checked: { readonly operator: true }): PlatformScope {
  if (checked.operator !== true) throw new Error("nobody but the operator acts for the platform");
  return { org: null } as PlatformScope;
}

/** One organisation that the operator names: suspended, resumed, looked after. Members' own affairs stay theirs. */
export function organisationOfOperator(_by: PlatformScope, org: OrgId): OrgScope {
  return { org } as OrgScope;
}

/**
 * An organisation whose door a stranger stands at: sign-in, enrolment, an invitation's token. Found by what
 * they presented (a slug, an id, a token), in the statement that read this row.
 */
export function doorScope(org: OrgId): DoorScope {
  return { org } as DoorScope;
}

/**
 * The organisation that the payment provider named in an answer of its own, asked for a delivery whose signature was
 * verified. We wrote the name there when its owner went to pay. Good for what was paid, and nothing else.
 */
export function payingScope({ org }: ProviderState): OrgScope {
  return { org } as OrgScope;
}

/** The random identifier of an organisation that is about to be claimed. One that exists is refused by its row. */
export function foundingScope(org: OrgId): FoundingScope {
  return { org } as FoundingScope;
}

/**
 * Somebody who became a member, or a founder, by the very statement that returned this row: invitation,
 * linked identity, sign-up by the organisation's own provider, claim. Good for telling the hub of them.
 */
export function joinedScope(org: OrgId): OrgScope {
  return { org } as OrgScope;
}

/**
 * Work that the store itself found unfinished, or has just begun, in this organisation: the clock and the
 * operator finish it, where nobody of the organisation asks. Good for that row's own last steps.
 */
export function unfinishedScope(org: OrgId): OrgScope {
  return { org } as OrgScope;
}

import * as z from "zod/mini";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import {
  type Invitation,
  invitationSchema,
  type Member,
  memberSchema,
  membershipSchema,
  type Page,
  pageOf,
} from "./schemas.ts";

const createdOrgSchema = z.pick(membershipSchema, { id: true, slug: true, name: true });

export function createOrg(input: { name: string; slug: string }, idempotencyKey: string) {
  return call("/orgs", createdOrgSchema, { method: "POST", body: input, idempotencyKey });
}

export function listMembers(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Member>> {
  return call(path("orgs", org, "members"), pageOf(memberSchema), { query: { limit: pageRows, cursor }, signal });
}

export function changeMember(org: string, user: string, role: Role): Promise<void> {
  return callVoid(path("orgs", org, "members", user), { method: "PATCH", body: { role } });
}

/** Shuts a member out of this organisation without removing them, or lets them in again. */
export function disableMember(org: string, user: string, disabled: boolean): Promise<void> {
  return callVoid(path("orgs", org, "members", user), { method: "PATCH", body: { disabled } });
}

/** Signs a member out everywhere. */
export function endMemberSessions(org: string, user: string): Promise<void> {
  return callVoid(path("orgs", org, "members", user, "sessions"), { method: "DELETE" });
}

export function removeMember(org: string, user: string): Promise<void> {
  return callVoid(path("orgs", org, "members", user), { method: "DELETE" });
}

export function listInvitations(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Invitation>> {
  const query = { limit: pageRows, cursor };
  return call(path("orgs", org, "invitations"), pageOf(invitationSchema), { query, signal });
}

export function invite(org: string, input: { email: string; role: Role }, idempotencyKey: string): Promise<void> {
  return callVoid(path("orgs", org, "invitations"), { method: "POST", body: input, idempotencyKey });
}

export function withdrawInvitation(org: string, invitation: string): Promise<void> {
  return callVoid(path("orgs", org, "invitations", invitation), { method: "DELETE" });
}

import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { type Group, groupSchema, type Page, pageOf } from "./schemas.ts";

export const groupsKey = (org: string) => ["groups", org] as const;

export function listGroups(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Group>> {
  return call(path("orgs", org, "groups"), pageOf(groupSchema), { query: { limit: pageRows, cursor }, signal });
}

export function createGroup(org: string, name: string, idempotencyKey: string): Promise<Group> {
  return call(path("orgs", org, "groups"), groupSchema, { method: "POST", body: { name }, idempotencyKey });
}

export function removeGroup(org: string, group: string): Promise<void> {
  return callVoid(path("orgs", org, "groups", group), { method: "DELETE" });
}

/** Puts a device or a member into a group, or takes it out. */
export function setInGroup(
  org: string,
  group: string,
  kind: "devices" | "members",
  id: string,
  present: boolean,
): Promise<void> {
  return callVoid(path("orgs", org, "groups", group, kind, id), { method: present ? "PUT" : "DELETE" });
}

import { createContext, useContext } from "react";
import type { Permission, Role } from "../../../../core/tenancy/roles.ts";
import { may } from "../access.ts";
import type { Membership, Person } from "../api/schemas.ts";

export interface OrgOnScreen {
  readonly org: Membership;
  readonly user: Person;
  /** The organisation's own path, without a trailing slash. */
  readonly root: string;
}

export const OrgContext = createContext<OrgOnScreen | null>(null);

/** The organisation whose page this is; only below the organisation's layout. */
export function useOrg(): OrgOnScreen & { readonly role: Role; readonly may: (permission: Permission) => boolean } {
  const current = useContext(OrgContext);
  if (current === null) throw new Error("outside an organisation's page");
  const { role } = current.org;
  return { ...current, role, may: (permission) => may(role, permission) };
}

import type { DoorScope } from "../../../../store/control/org-scope.ts";
import { findOrganisation } from "../../../../store/control/organisations.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

/** By which door somebody signs in. */
export type Door = { readonly kind: "open"; readonly door: DoorScope | null } | { readonly kind: "absent" };

/**
 * The organisation that the path names (null: the platform's own door); `absent` when there is none, or it is
 * suspended. One that is to be deleted has a door still: its owners come in by it to take that back.
 */
export async function doorOf({ services, orgReference }: RequestContext): Promise<Door> {
  if (orgReference === null) return { kind: "open", door: null };
  const found = await findOrganisation(services.database, orgReference);
  return found === null || found.state === "suspended" ? { kind: "absent" } : { kind: "open", door: found.door };
}

/** What one may do with what `control` holds of an organisation, as values. Made in scope-makers.ts and nowhere else. */
import type { OrgId } from "../../core/ids.ts";

declare const may: unique symbol;

/**
 * The authority to read and change what is kept of one organisation, for one request. Functions of
 * store/control take one instead of an identifier, so that nobody reaches an organisation by naming it.
 */
export interface OrgScope {
  readonly [may]: "act";
  readonly org: OrgId;
}

/**
 * An organisation that is named by somebody who is nobody in it yet: what its door shows to everybody, and
 * what takes away from a session (it counts there alone). It opens nothing that members see.
 */
export interface DoorScope {
  readonly [may]: "act" | "enter";
  readonly org: OrgId;
}

/** An identifier that this request made up, random and nobody's: good for claiming it. */
export interface FoundingScope {
  readonly [may]: "found";
  readonly org: OrgId;
}

/** The platform's own: what belongs to no organisation, and what is done in all of them at once. */
export interface PlatformScope {
  readonly [may]: "operate";
  readonly org: null;
}

import type { SessionId } from "../../../core/ids.ts";
import { coarseNetwork } from "../../../core/tenancy/network.ts";
import { noteActivity } from "../../../store/control/geo-activity.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { afterAnswer } from "../after-answer.ts";
import { BoundedMap } from "../bounded-map.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import type { Services } from "../services.ts";

/** How long an isolate does not ask again about one session and place, in milliseconds. The row itself decides. */
const notedMs = 3600_000;
/** Sessions that one isolate remembers: some 200 bytes each. */
const notedMax = 5000;

/** What each isolate has noted lately, by its services. */
const notedBy = new WeakMap<Services, BoundedMap<number>>();

/**
 * Keeps where a member's session was last used in this organisation: country, operator and /24 or /48, so that a
 * new geo policy can say whom it would shut out. After the answer, at most once an hour a session; a failure costs
 * a warning later, never a request.
 */
export function noteWhere(
  context: RequestContext & {
    readonly person: { readonly session: SessionId };
    readonly scope: OrgScope;
  },
): void {
  const { services, geo, person, scope } = context;
  const country = geo?.facts.country ?? null;
  if (geo === null || country === null) return;
  const from = {
    surface: geo.surface ?? "api",
    country,
    asn: geo.facts.asn ?? 0,
    network: coarseNetwork(geo.ip) ?? "",
  } as const;
  const nowMs = services.now();
  const noted = notedBy.get(services) ?? new BoundedMap<number>(notedMax);
  notedBy.set(services, noted);
  const key = [scope.org, person.session, from.surface, from.country, from.network].join(" ");
  if ((noted.get(key) ?? Number.NEGATIVE_INFINITY) > nowMs - notedMs) return;
  noted.set(key, nowMs);
  afterAnswer(context, "noteWhere", noteActivity(services.database, scope, person.session, from, nowMs));
}

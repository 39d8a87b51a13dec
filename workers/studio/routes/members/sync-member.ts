import type { OrgId, UserId } from "../../../../core/ids.ts";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { currentStanding, type Standing } from "../../../../store/control/members.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { fromPart } from "../../downstream.ts";
import type { PersonContext } from "../../pipeline/request-context.ts";
import { Unavailable } from "../../unavailable.ts";

/** Changes of one person's role that may overtake one synchronisation. */
const attemptsMax = 5;

/**
 * Brings the hub up to the role that is stored, and again if that changed meanwhile, so that two changes at
 * once leave the later one. Sockets whose rights shrank are closed before this returns. Who is disabled has
 * no role there, and keeps the groups; who is no member leaves every group too.
 * @param as in whose name the hub is told
 * @param known what this request has just stored or read; the hub is told that first. Looking again after it
 *   was told remains, for between the two somebody else may have changed it
 * @throws Unavailable
 */
export async function syncMember(
  context: PersonContext,
  scope: OrgScope,
  user: UserId,
  as: { readonly org: OrgId; readonly role: Role },
  known?: Standing,
): Promise<void> {
  const { services } = context;
  let told: Standing | null = null;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const standing: Standing =
      attempt === 0 && known !== undefined ? known : await currentStanding(services.database, scope, user);
    if (told !== null && told.role === standing.role && told.member === standing.member) return;
    await tellHub(context, scope, user, as, standing);
    told = standing;
  }
  throw new Unavailable("hub");
}

/** Brings hub and groups to one standing, whatever is stored by now. @throws Unavailable */
export async function tellHub(
  context: PersonContext,
  { org }: OrgScope,
  user: UserId,
  as: { readonly org: OrgId; readonly role: Role },
  { role, member }: Standing,
): Promise<void> {
  await fromPart("hub", async () => {
    const call = await context.asUserOf(as, "durable-objects.hub-control");
    await context.services.hub.putMember(call, org, user, role);
  });
  if (!member) await leaveGroups(context, user, as);
}

/** Takes somebody out of every group of the organisation. @throws Unavailable */
export async function leaveGroups(
  context: PersonContext,
  user: UserId,
  as: { readonly org: OrgId; readonly role: Role },
): Promise<void> {
  const { services } = context;
  await fromPart("devices", async () => {
    const left = await services.devices.removeUser(await context.asUserOf(as, "capabilities.devices"), user);
    if (!left.ok && left.code !== "not_found") throw new Error(left.code);
  });
}

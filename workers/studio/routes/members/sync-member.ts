import type { OrgId, UserId } from "../../../../core/ids.ts";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { currentStanding } from "../../../../store/control/members.ts";
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
 * @throws Unavailable
 */
export async function syncMember(
  context: PersonContext,
  scope: OrgScope,
  user: UserId,
  as: { readonly org: OrgId; readonly role: Role },
): Promise<void> {
  const { services } = context;
  let told: string | undefined;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { role, member } = await currentStanding(services.database, scope, user);
    const standing = `${role} ${member}`;
    if (standing === told) return;
    await fromPart("hub", async () => {
      await services.hub.putMember(await context.asUserOf(as, "durable-objects.hub-control"), scope.org, user, role);
    });
    if (!member) await leaveGroups(context, user, as);
    told = standing;
  }
  throw new Unavailable("hub");
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

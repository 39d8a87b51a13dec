import { z } from "@hono/zod-openapi";
import type { MoveRefusal } from "../../../../core/rpc/data.ts";
import { findOverview } from "../../../../store/control/lifecycle.ts";
import { readMove } from "../../../../store/control/moves.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, orgReference } from "../../http/schemas.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";

const params = z.strictObject({ target: orgReference });
/** The same words as `data` has for a placement's name. */
const placementName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
const view = z.object({ id: idText, source: z.string(), placement: z.string(), step: z.string() });

/** What keeps an organisation where it is, in the operator's words. */
const reasons: Readonly<Record<MoveRefusal, string>> = {
  no_such_placement: "There is no such placement",
  not_ready: "It has no finished database",
  closed: "Its database is closed for what is wrong with it; repair it first",
  same_placement: "It is there",
  rotating: "Its database password is being changed; try again in a few minutes",
  full: "That placement is full",
  moving_elsewhere: "It is being moved to another placement",
  moved_lately: "What its last move left behind is not gone yet",
};

/**
 * Begins a move, or finds one under way. On record before anything but a name in the directory and an empty role has
 * changed; asked again before the first step it is on record again, rather than not at all.
 */
export const operatorMove = defineRoute(
  "operatorMove",
  { caller: "operator", params, body: z.strictObject({ placement: placementName }), status: 200, answer: view },
  async (context, { params: { target }, body: { placement } }) => {
    const { services, platform, requestId } = context;
    const found = await findOverview(services.database, platform, target);
    if (found === null) return refuse("not_found");
    if (found.state === "deleting") return refuse("org_deleting");
    const { org } = found;
    const prepared = await fromPart("provisioner", async () => {
      const call = await services.caller.asJob("data.provisioner", "lifecycle", org, requestId);
      return services.provisioner.prepareMove(call, org, placement);
    });
    if (prepared.kind === "refused")
      return refuse("conflict", { detail: reasons[prepared.why], extensions: { reason: prepared.why } });
    const { source, step } = prepared;
    if (step === "announced")
      await recordOrgChange(context, { org, by: null, action: "move_begun", detail: placement });
    return answer({ id: org, source, placement, step });
  },
);

/** Only where the directory has moved: nobody can have a move on record that did not happen. */
export const operatorFinishMove = defineRoute(
  "operatorFinishMove",
  { caller: "operator", params, status: 200, answer: z.object({ id: idText, placement: z.string() }) },
  async (context, { params: { target } }) => {
    const { services, platform, requestId } = context;
    const found = await findOverview(services.database, platform, target);
    if (found === null) return refuse("not_found");
    const { org } = found;
    const move = await readMove(services.database, found.scope);
    if (move === null || (move.step !== "switched" && move.step !== "done"))
      return refuse("conflict", { detail: "It has not been moved" });
    // Looks at role, password and rights where it is now, and mends what differs.
    const { placement } = await fromPart("provisioner", async () => {
      const call = await services.caller.asJob("data.provisioner", "provision", org, requestId);
      return services.provisioner.createTenant(call, org);
    });
    if (placement !== move.target) return refuse("conflict", { detail: "It is not where its move led" });
    await recordOrgChange(context, { org, by: null, action: "moved", detail: move.target });
    return answer({ id: org, placement });
  },
);

/** Before the operator's command takes back what was done; once it is there it is too late. */
export const operatorGiveUpMove = defineRoute(
  "operatorGiveUpMove",
  { caller: "operator", params, status: 200, answer: z.object({ id: idText }) },
  async (context, { params: { target } }) => {
    const { services, platform } = context;
    const found = await findOverview(services.database, platform, target);
    if (found === null) return refuse("not_found");
    const { org } = found;
    const move = await readMove(services.database, found.scope);
    if (move === null || move.step === "switched" || move.step === "done")
      return refuse("conflict", { detail: "There is no move to be given up" });
    await recordOrgChange(context, { org, by: null, action: "move_given_up", detail: move.target });
    return answer({ id: org });
  },
);

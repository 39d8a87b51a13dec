import { z } from "@hono/zod-openapi";
import { limitsOf, plans } from "../../../../core/tenancy/plan.ts";
import { readMemberUse } from "../../../../store/control/quotas.ts";
import { fromPart, refusalOf } from "../../downstream.ts";
import { askDevices } from "../../http/ask-devices.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";

const count = z.int().nonnegative();
const counted = z.object({ used: count, limit: count });

/** Without the hub there is no answer: half of one would look like a day without a message. */
export const getUsage = defineRoute(
  "getUsage",
  {
    caller: "member",
    status: 200,
    answer: z.object({
      plan: z.enum(plans),
      devices: counted,
      members: counted,
      storage_bytes: counted,
      llm_micros_a_month: counted,
      messages_a_day: counted.extend({ resets_at: z.iso.datetime() }),
    }),
  },
  async (context) => {
    const { services, scope } = context;
    const [use, held, messages] = await Promise.all([
      readMemberUse(services.database, scope),
      askDevices(context, (devices, call) => devices.usage(call)),
      fromPart("hub", async () =>
        services.hub.messagesToday(await context.asUser("durable-objects.hub-control"), scope.org),
      ),
    ]);
    if (use === null) return refuse("not_found");
    if (!held.ok) return refusalOf(held);
    const limits = limitsOf(use.plan, services.limitScale);
    return answer({
      plan: use.plan,
      devices: { used: held.value.devices, limit: limits.devices },
      members: { used: use.members, limit: limits.members },
      storage_bytes: { used: held.value.storageBytes, limit: limits.storage_bytes },
      llm_micros_a_month: { used: held.value.llmMicros, limit: limits.llm_micros_a_month },
      messages_a_day: {
        used: messages.used,
        limit: limits.messages_a_day,
        resets_at: new Date(messages.resetAtMs).toISOString(),
      },
    });
  },
);

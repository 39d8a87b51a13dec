import { z } from "@hono/zod-openapi";
import { parseId } from "../../../../core/ids.ts";
import type { Use } from "../../../../core/rpc/hub-limits.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { idText } from "../../http/schemas.ts";

/** Of what may come at once. More than `limit`: acknowledgements wait, or a connection is refused. */
const use = z.object({ used: z.int(), limit: z.int() });

/**
 * How much of the limits is used at this moment, and by whom. Requests of single people are not among it: who is
 * counted at the edge is counted across organisations, and each knows of itself by its answers' fields.
 */
export const limitsInUse = defineRoute(
  "limitsInUse",
  {
    caller: "member",
    status: 200,
    answer: z.object({
      /** Of all clients, in the last minute. */
      requests: use,
      /** MQTT packets of all devices and people. */
      packets: use,
      sockets: z.int(),
      /** At most 20, the one that is nearest to a bound of its own first. */
      heaviest: z.array(
        z.object({
          client: idText,
          kind: z.enum(["device", "user"]),
          packets: use,
          bytes: use,
          connects: use,
        }),
      ),
    }),
  },
  async (context) => {
    const { services, scope } = context;
    const inUse = await fromPart("hub", async () =>
      services.hub.limitsInUse(await context.asUser("durable-objects.hub-control"), scope.org),
    );
    return answer({
      requests: whole(inUse.requests),
      packets: whole(inUse.packets),
      sockets: inUse.sockets,
      heaviest: inUse.heaviest.map(({ client, packets, bytes, connects }) => ({
        client,
        kind: parseId("device", client) === null ? ("user" as const) : ("device" as const),
        packets: whole(packets),
        bytes: whole(bytes),
        connects: whole(connects),
      })),
    });
  },
);

/** Buckets are paid back in fractions. */
const whole = ({ used, limit }: Use): Use => ({ used: Math.ceil(used), limit: Math.floor(limit) });

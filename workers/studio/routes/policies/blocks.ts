import { z } from "@hono/zod-openapi";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";
import { blocksOf } from "../../waf/blocks.ts";

const count = z.int();
const refused = { firewall: count, geo: count };
const dayMs = 24 * 3600_000;

/** Today (UTC), or today and the six days before it: what the firewall's records are kept for. */
const query = z.strictObject({ days: z.enum(["1", "7"]).optional() });

/**
 * What firewall and geo policy refused, added up from what the edge reports of itself three times a minute: watching it
 * costs a read, and being attacked no write.
 */
export const listBlocks = defineRoute(
  "listBlocks",
  {
    caller: "member",
    query,
    status: 200,
    answer: z.object({
      /** Counts are kept by days of UTC. */
      since: instant,
      refused: z.object(refused),
      countries: z.array(z.object({ country: z.string(), ...refused })),
      classes: z.array(z.object({ class: z.string(), count })),
      rules: z.array(z.object({ rule: z.string(), own: z.boolean(), count })),
      networks: z.array(z.object({ network: z.string(), country: z.string(), ...refused })),
    }),
  },
  async (context, { query: { days } }) => {
    const { services } = context;
    const span = days === "7" ? 7 : 1;
    const sinceMs = (Math.floor(services.now() / dayMs) - span + 1) * dayMs;
    const call = () => context.asUser("durable-objects.audit-reader");
    const [records, traffic] = await fromPart("audit log", () =>
      Promise.all([
        call().then((signed) => services.auditReader.waf(signed)),
        call().then((signed) => services.auditReader.traffic(signed, span)),
      ]),
    );
    const { countries, classes, rules, networks, ...sums } = blocksOf(records, traffic, sinceMs);
    return answer({
      since: new Date(sinceMs).toISOString(),
      ...sums,
      countries: [...countries],
      classes: [...classes],
      rules: [...rules],
      networks: [...networks],
    });
  },
);

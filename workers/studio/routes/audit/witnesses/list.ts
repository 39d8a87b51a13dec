import { z } from "@hono/zod-openapi";
import { listWitnesses as readWitnesses } from "../../../../../store/control/audit-witnesses.ts";
import { fromPart } from "../../../downstream.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer } from "../../../http/result.ts";
import { witness } from "./schemas.ts";

/** They are few by their bound, so there is one page. */
export const listWitnesses = defineRoute(
  "listWitnesses",
  { caller: "member", status: 200, answer: z.object({ items: z.array(witness) }) },
  async (context) => {
    const { services, scope } = context;
    const [found, view] = await Promise.all([
      readWitnesses(services.database, scope),
      fromPart("audit proofs", async () =>
        services.auditProofs.checkpoint(await context.asUser("durable-objects.audit-reader")),
      ),
    ]);
    const last = new Map((view?.cosigned ?? []).map((cosigned) => [cosigned.verifier, cosigned]));
    const items = found.map(({ id, name, verifier, createdBy, createdAt }) => {
      const cosigned = last.get(verifier);
      return {
        id,
        name,
        key: verifier,
        created_by: createdBy,
        created_at: createdAt,
        cosigned:
          cosigned === undefined ? null : { size: cosigned.size, at: new Date(cosigned.cosignedMs).toISOString() },
      };
    });
    return answer({ items });
  },
);

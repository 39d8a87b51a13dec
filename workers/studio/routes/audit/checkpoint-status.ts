import { z } from "@hono/zod-openapi";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";
import { watching } from "./schemas.ts";

const checkpointStatus = z.object({
  /** The log's name, which is its keys' too. */
  origin: z.string(),
  size: z.int(),
  signed_at: instant,
  /** Entries that no checkpoint covers yet; more than a minute old, something holds the signature up. */
  pending: z.int(),
  pending_since: instant.nullable(),
  /** `name+id+key`, as public tools take them, newest first. */
  keys: z.array(z.string()),
  /** The newest checkpoint that each witness cosigned, the latest first. */
  cosigned: z.array(
    z.object({
      /** The witness's key. */
      key: z.string(),
      size: z.int(),
      /** By the witness's clock. */
      at: instant,
      /** That checkpoint's signed note. */
      checkpoint: z.string(),
    }),
  ),
});

/** Up to where the log is signed; null before its first checkpoint. */
export const auditStatus = defineRoute(
  "auditStatus",
  {
    caller: "member",
    status: 200,
    answer: z.object({ checkpoint: checkpointStatus.nullable() }),
    unaudited: watching,
  },
  async (context) => {
    const { auditProofs } = context.services;
    const view = await fromPart("audit proofs", async () =>
      auditProofs.checkpoint(await context.asUser("durable-objects.audit-reader")),
    );
    if (view === null) return answer({ checkpoint: null });
    const { origin, size, signedMs, pending, pendingSinceMs, keys } = view;
    const pending_since = pendingSinceMs === null ? null : new Date(pendingSinceMs).toISOString();
    const signed_at = new Date(signedMs).toISOString();
    const cosigned = view.cosigned.map(({ verifier, cosignedMs, note, ...rest }) => {
      return { key: verifier, size: rest.size, at: new Date(cosignedMs).toISOString(), checkpoint: note };
    });
    return answer({ checkpoint: { origin, size, signed_at, pending, pending_since, keys: [...keys], cosigned } });
  },
);

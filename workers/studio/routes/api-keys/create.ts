import { z } from "@hono/zod-openapi";
import { apiKeyMsMax } from "../../../../core/routes/api-keys.ts";
import { addApiKey, apiKeysMax } from "../../../../store/control/api-keys.ts";
import { keyChange, makeApiKey } from "../../auth/api-keys.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { nameOf } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";
import { syncMember } from "../members/sync-member.ts";
import { apiKey, apiKeyView } from "./schemas.ts";

const body = z.strictObject({
  name: nameOf(200),
  // No owner: what only owners may do wants a person.
  role: z.enum(["admin", "analyst", "viewer", "readonly"]),
  expires_at: instantQuery,
});

/** The key itself is in this answer and nowhere else. */
export const createApiKey = defineRoute(
  "createApiKey",
  { caller: "member", body, status: 201, answer: apiKey.extend({ key: z.string() }) },
  async (context, { body: { name, role, expires_at: expiresAtMs } }) => {
    const { services, scope, membership, person } = context;
    const nowMs = services.now();
    if (expiresAtMs <= nowMs || expiresAtMs > nowMs + apiKeyMsMax) {
      const errors = [{ path: "expires_at", message: "must be in the future, and within a year" }];
      return refuse("invalid_request", { errors });
    }
    const { key, prefix, secretHash } = makeApiKey(services.randomBytes);
    const made = {
      id: services.makeId("apiKey"),
      user: services.makeId("user"),
      session: services.makeId("session"),
      name,
      role,
      prefix,
      secretHash,
      createdBy: person.user,
      ip: context.clientIp,
      userAgent: context.userAgent.replaceAll("\0", ""),
      expiresAtMs,
    };
    const write = context.write();
    const added = await addApiKey(services.database, write, scope, made);
    if (added === "forbidden") return refuse("forbidden");
    if (added === "too_many") {
      return refuse("conflict", { detail: `An organisation has at most ${apiKeysMax} keys: revoke one first` });
    }
    context.caused([keyChange(person.user, made.id, "created")]);
    // A hub that fails here leaves a key that nobody was shown: worth nothing, listed, and to be revoked.
    await syncMember(context, scope, made.user, membership, { role, member: true });
    await fromPart("hub", async () => {
      const held = { sha256: secretHash, sid: made.session, expiresAtMs };
      await services.hub.putKey(await context.asUser("durable-objects.hub-control"), scope.org, made.user, held);
    });
    const createdAt = new Date(write.nowMs).toISOString();
    const view = {
      ...made,
      createdAt,
      expiresAt: new Date(expiresAtMs).toISOString(),
      lastUsedAt: null,
      revokedAt: null,
    };
    return answer({ ...apiKeyView(view), key });
  },
);

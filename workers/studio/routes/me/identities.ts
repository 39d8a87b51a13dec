import { z } from "@hono/zod-openapi";
import { linkIdentity as link, listIdentities } from "../../../../store/control/outside/identities.ts";
import { providerKinds } from "../../../../store/control/outside/providers.ts";
import { unlinkIdentity } from "../../../../store/control/outside/unlink.ts";
import { tellEndedSessions } from "../../auth/end-sockets.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { ceremonySecretOf } from "../../auth/outside/ceremony-cookie.ts";
import { recordJoining } from "../../auth/outside/join.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, instant, nothing, opaqueSecret } from "../../http/schemas.ts";
import { syncMember } from "../members/sync-member.ts";

const identity = z.object({
  provider_id: idText,
  provider_name: z.string(),
  kind: z.enum(providerKinds),
  /** The organisation whose provider it is; null: the platform's. */
  org_id: z.string().nullable(),
  email: z.string().nullable(),
  linked_at: instant,
  last_used_at: instant.nullable(),
});

export const myIdentities = defineRoute(
  "myIdentities",
  { caller: "person", status: 200, answer: z.object({ items: z.array(identity) }) },
  async ({ services, person }) => {
    const found = await listIdentities(services.database, person.user);
    const items = found.map((one) => ({
      provider_id: one.provider,
      provider_name: one.providerName,
      kind: one.kind,
      org_id: one.org,
      email: one.email,
      linked_at: one.createdAt,
      last_used_at: one.lastUsedAt,
    }));
    return answer({ items });
  },
);

/**
 * The consent of an account's owner, signed in by their own means. The challenge was made for this person and
 * for the browser that holds the ceremony cookie: one that somebody else planted links nothing.
 */
export const linkIdentity = defineRoute(
  "linkIdentity",
  {
    caller: "person",
    body: z.strictObject({ challenge: opaqueSecret }),
    status: 201,
    answer: z.object({ provider_id: idText, joined: z.boolean() }),
  },
  async (context, { body }) => {
    const { services, person } = context;
    const browser = ceremonySecretOf(context.cookieHeader);
    if (browser === null) return refuse("invalid_token");
    const linked = await link(services.database, context.write(), {
      challengeHash: sha256Hex(body.challenge),
      browserHash: sha256Hex(browser),
      user: person.user,
      scale: services.limitScale,
    });
    if (linked.kind === "no_challenge") return refuse("invalid_token");
    if (linked.kind === "taken") {
      return refuse("conflict", { detail: "This identity, or another of the same provider, is linked already" });
    }
    context.caused([{ type: "factor_change", user_id: person.user, factor: "external_identity", action: "added" }]);
    if (linked.joining !== null) {
      const { scope, role } = linked.joining;
      await recordJoining(context, person.user, linked.joining);
      const joined = { org: scope.org, role };
      const joining = { user: person.user, session: person.session, scope: joined };
      await tellEndedSessions(services, joining, context.requestId);
      await syncMember(context, scope, person.user, joined);
    }
    return answer({ provider_id: linked.provider, joined: linked.joining !== null });
  },
);

/** Unlinking never leaves an account that nobody can open. */
export const removeIdentity = defineRoute(
  "removeIdentity",
  { caller: "person", params: z.strictObject({ provider: idOf("provider") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, person } = context;
    const target = { user: person.user, provider: params.provider };
    const outcome = await unlinkIdentity(services.database, context.write(), target);
    if (outcome === "not_found") return refuse("not_found");
    if (outcome === "last") {
      return refuse("conflict", {
        detail: "It is the only way into this account: set a password or add a passkey first",
      });
    }
    context.caused([{ type: "factor_change", user_id: person.user, factor: "external_identity", action: "removed" }]);
    return answer(null);
  },
);

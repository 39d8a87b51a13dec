import type { AuditFields } from "../../../core/audit/events.ts";
import { type ApiKeyId, parseId, type RequestId, type UserId } from "../../../core/ids.ts";
import { apiKeyPattern, apiKeyPrefix } from "../../../core/routes/api-keys.ts";
import type { SessionExchangeResult } from "../../../core/rpc/studio.ts";
import {
  findKeySession,
  finishRevocation,
  type RevokedKey,
  revokeKeysOfMaker,
} from "../../../store/control/api-keys.ts";
import type { OrgScope, PlatformScope } from "../../../store/control/org-scope.ts";
import { allTried } from "../all-tried.ts";
import { fromPart } from "../downstream.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import type { Services } from "../services.ts";
import { sha256Hex } from "./keys.ts";
import { makeSecret } from "./secrets.ts";

/** Characters of a key that stay visible, its prefix among them. */
const shownCharacters = apiKeyPrefix.length + 6;

export interface MadeKey {
  /** Shown once. */
  readonly key: string;
  readonly prefix: string;
  readonly secretHash: string;
}

/** Makes a key of 256 random bits. A plain hash is enough for it: there is nothing to guess. */
export function makeApiKey(randomBytes: (length: number) => Uint8Array): MadeKey {
  const key = `${apiKeyPrefix}${makeSecret(randomBytes)}`;
  return { key, prefix: key.slice(0, shownCharacters), secretHash: sha256Hex(key) };
}

/**
 * Trades an API key for an access token. The token is for the key's own organisation whatever is addressed,
 * never for none: one for none would be asked about at every hub. The key is read each time, so a revoked one
 * is refused at once.
 */
export async function exchangeApiKey(
  services: Services,
  key: unknown,
  rawRequestId: unknown,
  renew = false,
): Promise<SessionExchangeResult> {
  const requestId = parseId("request", rawRequestId);
  if (requestId === null || typeof key !== "string" || !apiKeyPattern.test(key)) return { kind: "refused" };
  const found = await findKeySession(services.database, sha256Hex(key), services.now());
  if (found === null) return { kind: "refused" };
  const { token, expiresAtMs } = await services.scopedTokens.forCalls(found, requestId, renew);
  return { kind: "ok", accessToken: token, expiresAtMs };
}

/**
 * Revokes what somebody made who may not make keys any more, because they saw the secrets. Does nothing for who
 * still may. @param scope the organisation, or for the platform every one
 * @returns the keys whose hubs are to be told, those that were not told before among them: asking again finishes it
 */
export async function revokeKeysMadeBy(
  context: RequestContext,
  scope: OrgScope | PlatformScope,
  end: { readonly maker: UserId; readonly by: UserId | null },
): Promise<RevokedKey[]> {
  const revoked = await revokeKeysOfMaker(context.services.database, context.write(), scope, end.maker);
  context.caused(revoked.filter(({ now }) => now).map(({ id }) => keyChange(end.by, id, "revoked")));
  return revoked;
}

/**
 * Takes the service users of revoked keys out of their hubs, which closes their sockets, and out of their
 * organisations, where nobody of the organisation asks: for the operator, and for the clock when a hub was away.
 * @throws Unavailable after all were tried
 */
export async function expelKeys(services: Services, keys: readonly RevokedKey[], requestId: RequestId): Promise<void> {
  await allTried(
    keys.map(async ({ scope, user }) => {
      const { org } = scope;
      await fromPart("hub", async () => {
        const call = await services.caller.asJob("durable-objects.hub-control", "provision", org, requestId);
        await services.hub.putMember(call, org, user, null);
      });
      await finishRevocation(services.database, { requestId, nowMs: services.now() }, { scope, user });
    }),
  );
}

/** The event of a key that was made or revoked. */
export function keyChange(by: UserId | null, key: ApiKeyId, action: "created" | "revoked"): AuditFields {
  return { type: "key_change", user_id: by, kind: "api_key", key_id: key, action };
}

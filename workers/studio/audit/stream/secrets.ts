import { formatWebhookSecret, webhookSecretBytes } from "../../../../core/crypto/webhook-signature.ts";
import type { AuditStreamId } from "../../../../core/ids.ts";
import type { Services } from "../../services.ts";

const purpose = "audit-stream-secret";

/** A fresh signing secret: as it is shown, once, and as it is kept. */
export async function makeStreamSecret(
  services: Services,
  id: AuditStreamId,
): Promise<{ readonly secret: string; readonly sealed: string }> {
  const raw = services.randomBytes(webhookSecretBytes);
  return { secret: formatWebhookSecret(raw), sealed: await services.seal(purpose, id, raw) };
}

/** The secrets that a message is signed under, in the order in which they are given. */
export async function openStreamSecrets(
  services: Services,
  id: AuditStreamId,
  sealed: readonly string[],
): Promise<Uint8Array<ArrayBuffer>[]> {
  return await Promise.all(sealed.map((one) => services.open(purpose, id, one)));
}

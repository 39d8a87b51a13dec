/** From what lies stored of a destination to a way there. */

import { SealBroken } from "../../../../core/crypto/data-key.ts";
import type { OrganisationKeys } from "../../../../core/crypto/data-key-ring.ts";
import { parseWebhookSecret } from "../../../../core/crypto/webhook-signature.ts";
import type { DeliveryOutcome, DestinationPort } from "../../../../core/exports/destination.ts";
import { isBucket, secretKeyCharactersMax, secretKeyCharactersMin } from "../../../../core/exports/s3.ts";
import type { ExportTarget, TargetSettings } from "../../../../core/exports/target.ts";
import { testMessage } from "../../../../core/exports/webhook-parts.ts";
import type { ExportDestinationId } from "../../../../core/ids.ts";
import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import type { SealedSecret } from "../../../../core/rpc/export-destinations.ts";
import { createBucketPort, type DeliveryDependencies, testBucket } from "./bucket-port.ts";
import { createWebhookPort, testWebhook } from "./webhook-port.ts";

/** The column, so that a sealed text opens in no other place. */
const table = "export_destinations.sealed";
/** Hexadecimal digits of a fingerprint. */
const fingerprintDigits = 16;

/** True for settings that may be used now; they are judged at each use, too. */
export const isTarget = (settings: TargetSettings, loopback: ReadonlySet<string>): boolean =>
  settings.kind === "bucket" ? isBucket(settings, loopback) : parseOutsideAddress(settings.url, loopback) !== null;

/** What each kind takes as a secret. */
export function isSecret({ kind }: TargetSettings, secret: string): boolean {
  if (kind === "webhook") return parseWebhookSecret(secret) !== null;
  const { length } = secret;
  return length >= secretKeyCharactersMin && length <= secretKeyCharactersMax && /^[\x21-\x7e]+$/.test(secret);
}

/** @throws KeyUnavailable */
export async function sealSecret(
  dataKeys: OrganisationKeys,
  id: ExportDestinationId,
  secret: string,
): Promise<SealedSecret> {
  const bytes = Uint8Array.from(new TextEncoder().encode(secret));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return { sealed: await dataKeys.seal({ table, row: id }, bytes), fingerprint: digest.slice(0, fingerprintDigits) };
}

/**
 * Opens a destination of the organisation whose keys these are.
 * @returns null when its secret is another destination's or another organisation's, or its settings may not be used
 * @throws KeyUnavailable
 */
export async function openTarget(
  dependencies: DeliveryDependencies,
  dataKeys: OrganisationKeys,
  target: ExportTarget,
): Promise<DestinationPort | null> {
  const secret = await openSecret(dependencies, dataKeys, target);
  if (secret === null) return null;
  const { settings } = target;
  if (settings.kind === "bucket") return createBucketPort(dependencies, settings, secret);
  const raw = parseWebhookSecret(secret);
  return raw === null ? null : createWebhookPort(dependencies, settings.url, raw);
}

/** Tries a destination out. @param attempt no two have the same @throws KeyUnavailable */
export async function testTarget(
  dependencies: DeliveryDependencies,
  dataKeys: OrganisationKeys,
  target: ExportTarget,
  attempt: string,
): Promise<DeliveryOutcome> {
  const gone = { ok: false, code: "destination_gone" } as const;
  const secret = await openSecret(dependencies, dataKeys, target);
  if (secret === null) return gone;
  const { id, settings } = target;
  if (settings.kind === "bucket") return await testBucket(dependencies, settings, secret);
  const raw = parseWebhookSecret(secret);
  if (raw === null) return gone;
  const message = testMessage(id, attempt, new Date(dependencies.now()).toISOString());
  return await testWebhook(dependencies, settings.url, raw, message);
}

async function openSecret(
  { loopback }: DeliveryDependencies,
  dataKeys: OrganisationKeys,
  { id, settings, sealed }: ExportTarget,
): Promise<string | null> {
  if (!isTarget(settings, loopback)) return null;
  try {
    return new TextDecoder().decode(await dataKeys.open({ table, row: id }, sealed));
  } catch (error) {
    if (error instanceof SealBroken) return null;
    throw error;
  }
}

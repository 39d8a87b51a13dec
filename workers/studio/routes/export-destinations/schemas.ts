import { z } from "@hono/zod-openapi";
import { approvalRowsMax } from "../../../../core/exports/approval.ts";
import { deliveryFailures } from "../../../../core/exports/destination.ts";
import * as s3 from "../../../../core/exports/s3.ts";
import { destinationNameCharactersMax, type TargetSettings } from "../../../../core/exports/target.ts";
import { addressCharactersMax } from "../../../../core/outside-address.ts";
import type { StoredDestination } from "../../../../store/control/export-destinations.ts";
import { idOf, idText, instant, nameOf } from "../../http/schemas.ts";

export const destinationParams = z.strictObject({ export_destination: idOf("exportDestination") });

const name = nameOf(destinationNameCharactersMax);
/** Whether it may be called, capabilities decide, who call it. */
const address = z
  .string()
  .max(addressCharactersMax)
  .refine((text) => URL.canParse(text), "must be an address");
const secret = z
  .string()
  .min(s3.secretKeyCharactersMin)
  .max(s3.secretKeyCharactersMax)
  .regex(/^[\x21-\x7e]+$/, "must be visible ASCII characters");

const bucket = {
  kind: z.literal("bucket"),
  name,
  /** Origin of the service, such as `https://s3.eu-central-1.amazonaws.com`. */
  endpoint: address,
  region: z.string().min(1).max(32),
  bucket: z.string().min(3).max(63),
  /** Empty, or folders that end in a slash. */
  prefix: z.string().max(s3.prefixCharactersMax).default(""),
  /** True: the bucket is in the path; false: in front of the host. */
  path_style: z.boolean().default(false),
  access_key_id: z.string().min(4).max(s3.accessKeyIdCharactersMax),
};
const webhook = { kind: z.literal("webhook"), name, url: address };

export const newDestination = z.discriminatedUnion("kind", [
  z.strictObject({ ...bucket, secret_access_key: secret }),
  z.strictObject(webhook),
]);
export const changedDestination = z.discriminatedUnion("kind", [
  /** The secret is given anew where another service, bucket or identifier is meant. */
  z.strictObject({ ...bucket, secret_access_key: secret.optional() }),
  /** A new secret is shown in the answer; the one before ends at once. */
  z.strictObject({ ...webhook, new_secret: z.boolean().default(false) }),
]);
type Given = z.output<typeof newDestination> | z.output<typeof changedDestination>;

export const settingsOf = (given: Given): TargetSettings =>
  given.kind === "webhook"
    ? { kind: "webhook", url: given.url }
    : {
        kind: "bucket",
        endpoint: given.endpoint.replace(/\/$/, ""),
        region: given.region,
        bucket: given.bucket,
        prefix: given.prefix,
        pathStyle: given.path_style,
        accessKeyId: given.access_key_id,
      };

const shown = {
  id: idText,
  name: z.string(),
  kind: z.enum(["bucket", "webhook"]),
  bucket: z
    .object({
      endpoint: z.string(),
      region: z.string(),
      bucket: z.string(),
      prefix: z.string(),
      path_style: z.boolean(),
      access_key_id: z.string(),
    })
    .nullable(),
  webhook: z.object({ url: z.string() }).nullable(),
  /** `fingerprint`: the first 64 bits of the secret's SHA-256. */
  secret: z.object({ fingerprint: z.string(), since: instant }),
  /** `failure` null: it was taken. */
  test: z.object({ at: instant, failure: z.enum(deliveryFailures).nullable() }).nullable(),
  created_by: idText,
  created_at: instant,
};
export const destinationAnswer = z.object(shown);
/** `signing_secret`: of a webhook, as receivers' libraries take it, in this answer and nowhere else. */
export const destinationMade = z.object({ ...shown, signing_secret: z.string().nullable() });

export function destinationView(stored: StoredDestination): z.input<typeof destinationAnswer> {
  const { settings } = stored;
  return {
    id: stored.id,
    name: stored.name,
    kind: settings.kind,
    bucket:
      settings.kind === "bucket"
        ? {
            endpoint: settings.endpoint,
            region: settings.region,
            bucket: settings.bucket,
            prefix: settings.prefix,
            path_style: settings.pathStyle,
            access_key_id: settings.accessKeyId,
          }
        : null,
    webhook: settings.kind === "webhook" ? { url: settings.url } : null,
    secret: { fingerprint: stored.fingerprint, since: stored.secretSince },
    test: stored.testedAt === null ? null : { at: stored.testedAt, failure: failureOf(stored.testFailure) },
    created_by: stored.createdBy,
    created_at: stored.createdAt,
  };
}

const failureOf = (text: string | null): (typeof deliveryFailures)[number] | null =>
  deliveryFailures.find((known) => known === text) ?? null;

export const testAnswer = z.object({ failure: z.enum(deliveryFailures).nullable(), place: z.string().nullable() });

export const exportSettings = z.strictObject({ approval_rows: z.int().min(0).max(approvalRowsMax) });

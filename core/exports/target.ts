/** A destination of exports with what it takes to reach it, as it lies stored: the secret sealed. */
import type { ExportDestinationId } from "../ids.ts";
import type { BucketSettings } from "./s3.ts";

/** An address that takes signed messages. */
export interface WebhookSettings {
  readonly url: string;
}

export type TargetSettings =
  | ({ readonly kind: "bucket" } & BucketSettings)
  | ({ readonly kind: "webhook" } & WebhookSettings);

export interface ExportTarget {
  readonly id: ExportDestinationId;
  readonly settings: TargetSettings;
  /** The bucket's secret access key or the webhook's signing secret, for this destination alone. */
  readonly sealed: string;
}

/** Where it leads, in one text. Keys may be exchanged without leading elsewhere. */
export function placeText(settings: TargetSettings): string {
  if (settings.kind === "webhook") return JSON.stringify(["webhook", settings.url]);
  const { endpoint, region, bucket, prefix, pathStyle } = settings;
  return JSON.stringify(["bucket", endpoint, region, bucket, prefix, pathStyle]);
}

/** Destinations of one organisation: more are more secrets than anybody minds. */
export const destinationsMax = 20;
export const destinationNameCharactersMax = 64;

/**
 * True when a secret that was given for one destination may be used at the other: a bucket's goes to the service, and
 * is for the bucket and the identifier, that it was given for. Otherwise the way to use a secret that nobody may read
 * would be to point its destination elsewhere. A webhook's secret is sent to nobody: with another address it stays.
 */
export function keepsSecret(from: TargetSettings, to: TargetSettings): boolean {
  if (from.kind !== "bucket" || to.kind !== "bucket") return from.kind === to.kind;
  return (["endpoint", "region", "bucket", "pathStyle", "accessKeyId"] as const).every(
    (name) => from[name] === to[name],
  );
}

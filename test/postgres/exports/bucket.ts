/** A real R2 of workerd's for exports. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { ExportBucket } from "../../../workers/capabilities/exports/bucket.ts";

export async function startExportBucket(): Promise<{ bucket: ExportBucket; stop: () => Promise<void> }> {
  const worker = { name: "bucket", modules: true, compatibilityDate: "2026-10-20", script: "export default {}" };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ workers: [{ ...worker, r2Buckets: ["EXPORTS"] }] }));
  const bucket = (await miniflare.getR2Bucket("EXPORTS")) as unknown as ExportBucket;
  return { bucket, stop: () => miniflare.dispose() };
}

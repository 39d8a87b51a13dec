/**
 * An export as messages to an organisation's own address, by Standard Webhooks 1.0.
 *
 * The bytes are sent, not a link to them: a link would open the export for whoever comes by it, and the download of a
 * person is bound to their session. A message is signed as a whole, so an export goes in parts: each is held in
 * memory, is proven alone, is sent again under the same id, and the last message says what all of them must come to.
 */
import type { ExportMeta } from "./destination.ts";

/** Plain bytes of one part: some 350 KB as JSON, below the megabyte that receivers take as a rule. */
export const webhookPartBytes = 256 * 1024;
/** Largest export that goes by messages, in bytes: 256 of them. Beyond it a bucket is the place. */
export const webhookBytesMax = 64 * 1024 * 1024;

/** A message that is to be posted: it is the same, byte for byte, in every attempt. */
export interface ExportMessage {
  readonly id: string;
  readonly body: string;
}

/** How many parts an export has: one at least, for an empty one too. */
export const countWebhookParts = (bytes: number): number => Math.max(1, Math.ceil(bytes / webhookPartBytes));

/** @param part from 1 @param base64 its bytes */
export function partMessage(of: ExportMeta, part: number, base64: string): ExportMessage {
  const data = { export: of.id, part, parts: countWebhookParts(of.sizeBytes), base64 };
  return { id: `${of.id}.${part}`, body: JSON.stringify({ type: "export.part", timestamp: of.createdAt, data }) };
}

/** The message after the last part. @param sha256 of the whole, in hexadecimal */
export function completeMessage(of: ExportMeta, sha256: string): ExportMessage {
  const data = {
    export: of.id,
    source: of.source,
    format: of.format,
    file_name: of.fileName,
    media_type: of.mediaType,
    rows: of.rows,
    bytes: of.sizeBytes,
    parts: countWebhookParts(of.sizeBytes),
    sha256,
  };
  const body = JSON.stringify({ type: "export.complete", timestamp: of.createdAt, data });
  return { id: `${of.id}.complete`, body };
}

/** What an address is sent when somebody wants to know whether it works. @param attempt no two have the same */
export function testMessage(destination: string, attempt: string, at: string): ExportMessage {
  const body = JSON.stringify({ type: "export.test", timestamp: at, data: { destination } });
  return { id: `${destination}.test.${attempt}`, body };
}

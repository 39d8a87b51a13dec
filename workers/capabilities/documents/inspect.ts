import { inspectDocument } from "../../../core/documents/inspect.ts";
import type { ByteRange } from "../../../core/documents/layout.ts";
import { localScanner } from "../../../core/documents/scan.ts";
import { asSearched } from "../../../core/documents/searchable-text.ts";
import type { LookedAt, OpenUpload } from "../../../store/tenant/document-uploads.ts";
import type { CallContext } from "./admission.ts";
import { readPdfText } from "./pdf-text.ts";
import { readPlain, sealedVersion } from "./sealing.ts";

/**
 * Scans a whole upload as it lies in the bucket, and finds out what it is.
 * @returns `harmful` when the scan found something, or could not look
 * @throws SealBroken when it is not what was sealed
 */
export async function inspect(context: CallContext, upload: OpenUpload): Promise<LookedAt | "harmful"> {
  const size = upload.sizeBytes;
  const version = await sealedVersion(context, upload, size);
  const read = (range: ByteRange): AsyncGenerator<Uint8Array<ArrayBuffer>> =>
    readPlain(context, version, upload.id, range);
  try {
    const bytes = {
      size,
      stream: () => read({ offset: 0, length: size }),
      read: (range: ByteRange) => collect(range.length, range.length === 0 ? noPieces() : read(range)),
    };
    const found = await inspectDocument(bytes, upload.declaredType, localScanner);
    if ("kind" in found) return "harmful";
    const { mediaType, isActive: active, text } = found;
    if (mediaType !== "application/pdf") return { mediaType, active, text, textState: null };
    const reading = await readPdfText(context, size, bytes.stream);
    // The document is there all the same, and the clock tries again.
    if (reading.kind === "away") return { mediaType, active, text: "", textState: null };
    return reading.kind === "text"
      ? { mediaType, active, text: asSearched(reading.text), textState: "read" }
      : { mediaType, active, text: "", textState: "unreadable" };
  } finally {
    version.key.fill(0);
  }
}

async function* noPieces(): AsyncGenerator<Uint8Array> {}

async function collect(length: number, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length);
  let at = 0;
  for await (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

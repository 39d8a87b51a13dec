import { resolveRange } from "../../../core/byte-range.ts";
import { parseId } from "../../../core/ids.ts";
import type { ContentRequest, DocumentsRpc } from "../../../core/rpc/documents.ts";
import { findVersion } from "../../../store/tenant/documents.ts";
import type { Handler } from "./admission.ts";
import { ok, refused } from "./result.ts";
import { readPlain, sealedVersion } from "./sealing.ts";

/**
 * Opens a version, or a range of it. Its first piece is fetched when somebody reads it: whoever asked has put the
 * reading on record by then.
 */
export const openContent: Handler<DocumentsRpc["openContent"]> = async (context, document, wanted) => {
  if (parseId("document", document) === null || !isRequest(wanted)) return refused("not_found");
  const found = await findVersion(context.database, document, wanted.version);
  if (found === null) return refused("not_found");
  const { version } = found;
  const size = version.sizeBytes;
  const entityTag = `"${found.id}"`;
  const asked = wanted.ifRange === null || wanted.ifRange === entityTag ? wanted.range : null;
  const range = asked === null ? null : resolveRange(asked, size);
  if (asked !== null && range === null) return { ok: false, code: "invalid_range", sizeBytes: size };
  const [offset, length] = range === null ? [0, size] : [range.first, range.last - range.first + 1];
  const opened = await sealedVersion(context, found, size);
  const pieces = readPlain(context, opened, found.id, { offset, length });
  return ok({ name: found.name, version, entityTag, range, body: context.toStream(length, pieces) });
};

function isRequest({ version, range }: ContentRequest): boolean {
  const whole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (version !== null && !(whole(version) && version <= 1_000_000)) return false;
  if (range === null) return true;
  if (range.kind === "suffix") return whole(range.length);
  return whole(range.first) && (range.last === null || (whole(range.last) && range.last >= range.first));
}

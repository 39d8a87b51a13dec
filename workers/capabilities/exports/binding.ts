/**
 * What an export is of, and where it goes on, bound to its key: the job's row lies in the control database, and whoever
 * can write there and has no key is not to send a job, which reads as somebody who isn't there, to other rows.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { ExportId } from "../../../core/ids.ts";
import type { ExportOrder } from "../../../core/rpc/exports.ts";

/** What a key is good for: this export, of this, as this person in this role. 102 characters. */
export function boundPurpose({ export: id, spec, requestedBy, requestedRole }: Bound): string {
  const { source, format, devices, documents, fromMs, toMs } = spec;
  const of = JSON.stringify([source, format, devices, documents, fromMs, toMs, requestedBy, requestedRole]);
  return `export:${id}:${createHash("sha256").update(of).digest("hex")}`;
}
type Bound = Pick<ExportOrder, "export" | "spec" | "requestedBy" | "requestedRole">;

/** Wrapped keys of exports from before any of this was bound begin with something else. */
const mark = "b1.";
export const marked = (wrapped: string): string => `${mark}${wrapped}`;
/** @returns null: of an export from before; its rows are as they were trusted then, and gone in a week */
export const unmarked = (wrappedKey: string): string | null =>
  wrappedKey.startsWith(mark) ? wrappedKey.slice(mark.length) : null;

/** The place at which a cursor counts: in front of this piece, behind that one. */
export interface CursorPlace {
  readonly id: ExportId;
  readonly part: number;
  readonly before: string | null;
}

function macOf(key: Uint8Array, { id, part, before }: CursorPlace, cursor: string): Buffer {
  const own = createHmac("sha256", key).update("sentinel export cursor").digest();
  return createHmac("sha256", own)
    .update(JSON.stringify([id, part, before, cursor]))
    .digest();
}

/** A cursor as the row has it. */
export const sealCursor = (key: Uint8Array, place: CursorPlace, cursor: string): string =>
  `${macOf(key, place, cursor).toString("base64url")}.${cursor}`;

/** @returns null when it was never written for this place */
export function openCursor(key: Uint8Array, place: CursorPlace, sealed: string): string | null {
  const [mac = ""] = sealed.split(".", 1);
  const cursor = sealed.slice(mac.length + 1);
  const [given, right] = [Buffer.from(mac, "base64url"), macOf(key, place, cursor)];
  return given.length === right.length && timingSafeEqual(given, right) ? cursor : null;
}

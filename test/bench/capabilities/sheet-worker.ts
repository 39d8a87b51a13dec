import { arrayLines } from "../../../core/exports/lines.ts";
import { makeId } from "../../../core/ids.ts";
import type { ExportPart } from "../../../core/rpc/exports.ts";
import { assemble } from "../../../workers/capabilities/exports/assemble.ts";
import type { ExportBucket } from "../../../workers/capabilities/exports/bucket.ts";
import { newExportKey, openExport, putPiece } from "../../../workers/capabilities/exports/sealing.ts";

/** The largest thing that an export does in one call, alone in its workerd: rows of steps, and a sheet made of them. */

const rowsAtOnce = 5_000;
const random = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length));
const key = new Uint8Array(32).fill(7);
const wrapper = { wrap: async () => "key", unwrap: async () => Uint8Array.from(key) };

export default {
  async fetch(request: Request, { EXPORTS: bucket }: { readonly EXPORTS: ExportBucket }): Promise<Response> {
    const org = makeId("org", Date.now(), random(10));
    const wanted = Number(new URL(request.url).searchParams.get("rows"));
    // Of what capabilities hands to a call, what these use.
    const context = { bucket, dataKeys: { wrapper }, scope: { org }, randomBytes: random } as unknown as Parameters<
      typeof openExport
    >[0];
    const none = { devices: null, documents: null, fromMs: null, toMs: null };
    const spec = { source: "inventory", format: "xlsx", ...none } as const;
    const id = makeId("export", Date.now(), random(10));
    const asked = {
      export: id,
      spec,
      requestedBy: makeId("user", Date.now(), random(10)),
      requestedRole: "owner",
    } as const;
    const order = { ...asked, wrappedKey: await newExportKey(context, asked) };
    const opened = await openExport(context, order);
    const parts: ExportPart[] = [];
    for (let from = 0; from < wanted; from += rowsAtOnce) {
      const rows = Array.from({ length: Math.min(rowsAtOnce, wanted - from) }, (_, at) => [
        ...[`dev_${String(from + at).padStart(26, "0")}`, `classroom computer ${from + at}`, "linux"],
        ...["2026-11-23T00:00:00.000Z", "2026-11-23T01:00:00.000Z", true, ""],
      ]);
      const isLast = from + rowsAtOnce >= wanted;
      const place = { series: "rows", number: parts.length + 1, before: parts.at(-1)?.object ?? null, isLast } as const;
      parts.push(await putPiece(context, opened, place, arrayLines(rows)));
    }
    const made = await assemble(context, { ...order, parts, onProgress: async () => true });
    return Response.json(made);
  },
};

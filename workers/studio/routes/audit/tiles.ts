import { z } from "@hono/zod-openapi";
import { parseTilePath, type TilePath } from "../../../../core/audit/tile-path.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { watching } from "./schemas.ts";

/** Longer than the name of any tile of a log of 2^53 entries. */
const pathCharactersMax = 64;
const media = "application/octet-stream";
const bytes = z.instanceof(Uint8Array).openapi({ type: "string", format: "binary" });

/** What is left of a tile's name behind `before`, parsed; one that names no tile is a 404. */
const tileName = (before: string) =>
  z
    .string()
    .max(pathCharactersMax)
    .transform((text, check): TilePath => {
      const parsed = parseTilePath(`${before}${text}`);
      if (parsed !== null) return parsed;
      check.addIssue("must be a tile's name");
      return z.NEVER;
    })
    .openapi({ type: "string" });

async function serve(context: MemberContext, path: TilePath): Promise<HandlerResult<Uint8Array<ArrayBuffer>>> {
  const { auditProofs } = context.services;
  const tile = await fromPart("audit proofs", async () =>
    auditProofs.tile(await context.asUser("durable-objects.audit-reader"), path),
  );
  return tile === null ? refuse("not_found", { detail: "No checkpoint covers this tile" }) : answer(tile);
}

/** Leaves, which say what people did; `entries/` stands in the route's own path. */
export const auditEntries = defineRoute(
  "auditEntries",
  { caller: "member", params: z.strictObject({ bundle: tileName("entries/") }), status: 200, media, answer: bytes },
  (context, { params }) => serve(context, params.bundle),
);

/** Hashes of the tree. */
export const auditTile = defineRoute(
  "auditTile",
  {
    caller: "member",
    params: z.strictObject({ tile: tileName("") }),
    status: 200,
    media,
    answer: bytes,
    unaudited: watching,
  },
  (context, { params }) => serve(context, params.tile),
);

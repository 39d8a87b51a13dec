import type { ExportDestination } from "../../../core/exports/destination.ts";
import { placeText, type TargetSettings } from "../../../core/exports/target.ts";
import { sha256Hex } from "../auth/keys.ts";

/** Where a destination leads, as an export that a second administrator agrees to keeps it: an address may hold a token. */
export const pinOf = (settings: TargetSettings): string => sha256Hex(placeText(settings));

/** False: it was pointed elsewhere since somebody agreed to it. */
export const leadsWhereItDid = (
  { pin }: Extract<ExportDestination, { readonly pin: unknown }>,
  settings: TargetSettings,
): boolean => pin === null || pin === pinOf(settings);

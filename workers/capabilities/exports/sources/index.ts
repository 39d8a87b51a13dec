import type { ExportSource } from "../../../../core/exports/job.ts";
import { audit } from "./audit.ts";
import { documents } from "./documents.ts";
import { inventory } from "./inventory.ts";
import type { Source } from "./source.ts";
import { telemetry } from "./telemetry.ts";

export const sources: Readonly<Record<ExportSource, Source>> = { inventory, telemetry, audit, documents };

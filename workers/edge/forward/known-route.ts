import type { Resolution } from "../resolve.ts";

/** A resolution that is no miss. */
export type KnownRoute = Extract<Resolution, { kind: "route" }>;

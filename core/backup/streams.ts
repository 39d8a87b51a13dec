/** Streams of a backup that are no table of the organisation's schema. Whoever writes one and whoever reads it agree here. */
import type { StreamDescription } from "./header.ts";

/** Before all tables: rows of a time need its partition first. */
export const partitionStream: StreamDescription = {
  name: "$partitions",
  columns: ["parent", "name", "lower_end", "upper_end"],
};

/** What was drained of the organisation's log, without the personal values that its leaves commit to. */
export const auditStream: StreamDescription = {
  name: "$audit.events",
  columns: [
    "log",
    "seq",
    "occurred_at",
    "request_id",
    "phase",
    "intent_seq",
    "result",
    "type",
    "leaf_json",
    "leaf_hash",
  ],
};

export const hubStream: StreamDescription = { name: "$hub", columns: ["object", "row"] };

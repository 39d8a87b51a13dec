/** First word of an exported log's head: one JSON text a line, the head, the tree's hashes, the leaves (docs/audit-proofs.md). */
export const logFileFormat = "sentinel-audit-log/1";

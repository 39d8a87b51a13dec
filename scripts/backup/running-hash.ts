import { createHash } from "node:crypto";
import type { RunningHash } from "../../core/backup/frames.ts";

export function newSha256(): RunningHash {
  const hash = createHash("sha256");
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => hash.digest("hex"),
  };
}

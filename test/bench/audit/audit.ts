/** `npm run bench -- audit`: what a log takes, and what it costs; one file a measure. Some eight minutes at three rounds. */
import { withClusters } from "../../soak/clusters.ts";
import type { Row } from "../report.ts";
import { benchAppends } from "./append.ts";
import { benchDrain } from "./drain.ts";
import { benchLatency } from "./latency.ts";
import { startLogObjects } from "./objects.ts";
import { buildGo } from "./peer/go.ts";
import { postgresPeer, tlogPeer } from "./peers.ts";
import { benchProofs } from "./proofs.ts";
import { benchRequests } from "./request.ts";
import { benchVerify } from "./verify.ts";
import { withAuditWorld } from "./world.ts";

export async function benchAudit(rounds: number): Promise<Row[]> {
  const go = buildGo();
  try {
    return [
      ...(await withClusters(async ({ clusters }) => {
        const objects = await startLogObjects();
        const postgres = await postgresPeer(clusters[0]?.ownerUrl ?? "");
        try {
          return [
            ...(await benchAppends(objects, [postgres, tlogPeer(go)], rounds)),
            ...(await benchLatency(objects, rounds)),
          ];
        } finally {
          await postgres.stop();
          await objects.stop();
        }
      })),
      ...(await withAuditWorld(async (world) => [
        ...(await benchRequests(world, rounds)),
        ...(await benchDrain(world, rounds)),
      ])),
      ...(await benchVerify(go, rounds)),
      ...(await benchProofs(go)),
    ];
  } finally {
    go?.remove();
  }
}

import { WorkerEntrypoint } from "cloudflare:workers";
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { IngestRecord, IngestRpc } from "../../../core/rpc/data.ts";
import { dataKeys } from "../data-keys.ts";

/** What Postgres would hold, and how it fails. Shared with the tests: they run in the same isolate. */
export const ingest = {
  /** Per organisation, in order of arrival, repeats included. */
  arrivals: new Map<OrgId, IngestRecord[]>(),
  calls: 0,
  /** `stored`: the write happens and its answer is lost. */
  fail: "no" as "no" | "before" | "stored",
  /** A record of this sample id is refused, whatever else is in the call. */
  poison: null as string | null,
};

export function resetIngest(): void {
  ingest.arrivals.clear();
  ingest.calls = 0;
  ingest.fail = "no";
  ingest.poison = null;
}

interface IngestEnv {
  readonly MESH_ROOTS: KVNamespace;
}

/** Verifies calls as the data Worker does. */
export class FakeIngest extends WorkerEntrypoint<IngestEnv> implements IngestRpc {
  async write(call: SignedCall, org: OrgId, records: readonly IngestRecord[]): Promise<void> {
    const keys = dataKeys(this.env.MESH_ROOTS);
    await verifyCall(call, { audience: "data.ingest", org, jobs: ["ingest"] }, keys, Date.now());
    ingest.calls += 1;
    if (ingest.fail === "before") throw new Error("Postgres is down");
    if (records.some((record) => record.kind === "telemetry" && record.sampleId === ingest.poison))
      throw new Error("Postgres refuses this record");
    ingest.arrivals.set(org, [...(ingest.arrivals.get(org) ?? []), ...records]);
    if (ingest.fail === "stored") throw new Error("the answer was lost");
  }
}

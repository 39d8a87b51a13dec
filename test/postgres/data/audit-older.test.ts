/** Entries that their log keeps no more, read back from where they were drained to. */
import { beforeAll, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { LogName } from "../../../core/audit/logs.ts";
import type { OrgId } from "../../../core/ids.ts";
import { type OlderQuery, olderEntriesMax, type SinkEntry } from "../../../core/rpc/data.ts";
import { readOlder } from "../../../workers/data/audit-sink/read-older.ts";
import { writeEntries } from "../../../workers/data/audit-sink/write-entries.ts";
import { type FreshTenant, freshTenant, newOrgId, newRequestId, newUserId } from "../support.ts";
import { createDataWorld, type DataWorld, refusedBecause, sinkEntry } from "./support.ts";

let world: DataWorld;
let tenant: FreshTenant;
let entries: SinkEntry[];
const event = (seq: number): AuditFields =>
  seq % 2 === 0
    ? { type: "login", user_id: newUserId(), ip: "203.0.113.7", user_agent: "x", outcome: "success", mfa: "none" }
    : { type: "api_call", user_id: null, endpoint: "/healthz", method: "GET", status_code: 200, duration_ms: 1 };
/** Over the border of two months. */
const at = (seq: number): string => new Date(Date.UTC(2026, 5, 30, 23, 59, 57) + seq * 1000).toISOString();

beforeAll(async () => {
  world = await createDataWorld();
  tenant = await freshTenant();
  entries = [1, 2, 3, 4, 5, 6].map((seq) => ({
    ...sinkEntry(tenant.org, seq, event(seq), { at: at(seq) }),
    sealed:
      seq % 2 === 0
        ? [
            { subject: 7, sealed: `p1.${"A".repeat(seq)}` },
            { subject: 9, sealed: "p1.B" },
          ]
        : [],
  }));
  await writeEntries(world.unit, await call(tenant.org), entries);
});

const call = (org: OrgId | null) =>
  world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", org, newRequestId());
const ask = async (org: OrgId | null, over: Partial<OlderQuery>) => {
  const log: LogName = org ?? "platform-0";
  const all = { log, from: 1, before: 1000, type: null, fromMs: null, toMs: null, limit: 100 };
  return readOlder(world.unit, await call(org), { ...all, ...over });
};
const seqs = async (over: Partial<OlderQuery>) => (await ask(tenant.org, over)).map(({ seq }) => seq);

describe("older entries", () => {
  it("are exactly what was drained, sealed fields and all, newest first, over months", async () => {
    expect(await ask(tenant.org, {})).toEqual(
      entries.toReversed().map(({ entry, leafJson, sealed }) => ({ seq: entry.seq, leafJson, sealed })),
    );
  });

  it("are those of a range, a type and a time, as many as are asked for", async () => {
    expect(await seqs({ from: 2, before: 5 })).toEqual([4, 3, 2]);
    expect(await seqs({ limit: 2 })).toEqual([6, 5]);
    expect(await seqs({ type: "login", before: 6 })).toEqual([4, 2]);
    expect(await seqs({ fromMs: Date.parse(at(3)), toMs: Date.parse(at(4)) })).toEqual([4, 3]);
    expect(await seqs({ toMs: Date.parse(at(1)) - 1 })).toEqual([]);
  });

  it("are of the call's own log alone", async () => {
    const stranger = await freshTenant();
    expect(await ask(stranger.org, {})).toEqual([]);
    expect(await refusedBecause(ask(stranger.org, { log: tenant.org }))).toBe("wrong_org");
    expect(await refusedBecause(ask(null, { log: tenant.org }))).toBe("wrong_org");
    expect(await refusedBecause(ask(tenant.org, { log: "platform-0" }))).toBe("wrong_org");
    expect(await refusedBecause(ask(null, { log: "platform-9" as LogName }))).toBe("wrong_org");
    expect(await refusedBecause(ask(null, { log: newOrgId() }))).toBe("wrong_org");
  });

  it("are read by AuditLog alone, by its own job", async () => {
    const query = { log: tenant.org, from: 1, before: 9, type: null, fromMs: null, toMs: null, limit: 1 };
    for (const [caller, audience, job] of [
      ["capabilities", "data.backup-source", "tend_backups"],
      ["durable-objects", "data.ingest", "ingest"],
    ] as const) {
      const wrong = await world.mesh.caller(caller).asJob(audience, job, tenant.org, newRequestId());
      expect(await refusedBecause(readOlder(world.unit, wrong, query))).not.toBe("");
    }
  });

  it.each([{ limit: olderEntriesMax + 1 }, { limit: 0 }, { from: 0 }, { before: 1.5 }, { from: Number.NaN }])(
    "are refused by %o, whoever asks",
    async (over) => {
      await expect(ask(tenant.org, over)).rejects.toBeInstanceOf(RangeError);
    },
  );

  it("are found by no text that is more than a type", async () => {
    expect(await seqs({ type: "login' OR '1'='1" })).toEqual([]);
  });
});

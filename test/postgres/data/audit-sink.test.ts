import { beforeAll, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import { sql } from "../../../store/connect.ts";
import { receiptExists } from "../../../workers/data/audit-sink/receipt-exists.ts";
import { writeEntries } from "../../../workers/data/audit-sink/write-entries.ts";
import {
  connect,
  controlDatabase,
  type FreshTenant,
  freshTenant,
  newOrgId,
  newRequestId,
  newUserId,
  runAs,
  setup,
} from "../support.ts";
import { createDataWorld, type DataWorld, refusedBecause, sinkEntry } from "./support.ts";

let world: DataWorld;
let tenant: FreshTenant;
beforeAll(async () => {
  world = await createDataWorld();
  // On the second placement, so that "beside its data" can be told from "on the first".
  for (tenant = await freshTenant(); tenant.placement !== "second"; ) tenant = await freshTenant();
});

const login = (user: string): AuditFields => ({
  type: "login",
  user_id: user,
  ip: "203.0.113.7",
  user_agent: "browser\r\ninjected: line",
  outcome: "success",
  mfa: "none",
});
const call = (org: FreshTenant["org"] | null) =>
  world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", org, newRequestId());
const write = async (org: FreshTenant["org"] | null, ...entries: SinkEntry[]) =>
  writeEntries(world.unit, await call(org), entries);
const rowsOf = (placement: string, log: string) =>
  runAs(
    setup.ownerUrls[placement]!,
    "SELECT seq::int, type, leaf_json, leaf_hash FROM audit.events WHERE log = $1 ORDER BY seq",
    [log],
  );
const sealedOf = (placement: string, log: string) =>
  runAs(
    setup.ownerUrls[placement]!,
    "SELECT subject::int, sealed FROM audit.sealed_fields WHERE log = $1 ORDER BY seq, subject",
    [log],
  );

describe("draining an audit log", () => {
  it("stores an organisation's entries beside its data, with the exact text that was hashed", async () => {
    const entry = sinkEntry(tenant.org, 1, login(newUserId()));
    await write(tenant.org, entry);
    expect(await rowsOf("second", tenant.org)).toEqual([
      { seq: 1, type: "login", leaf_json: entry.leafJson, leaf_hash: entry.entry.leaf_hash },
    ]);
    expect(await rowsOf("first", tenant.org)).toEqual([]);
  });

  it("stores an entry once however often it is sent", async () => {
    const log = `platform-${crypto.randomUUID()}`;
    const entries = [1, 2, 3].map((seq) => sinkEntry(log, seq, login(newUserId())));
    await write(null, ...entries.slice(0, 2));
    await write(null, ...entries);
    expect((await rowsOf("first", log)).map((row) => row["seq"])).toEqual([1, 2, 3]);
  });

  it("keeps of whom it names what was sealed, and nothing else of them anywhere", async () => {
    const log = `platform-${crypto.randomUUID()}`;
    const user = newUserId();
    const { entry, leafJson, sealed } = sinkEntry(log, 1, login(user));
    await write(null, { entry, leafJson, sealed });
    const superuser = new URL(setup.superuserUrls["first"]!);
    superuser.pathname = new URL(setup.ownerUrls["first"]!).pathname;
    const stored = await runAs(
      superuser.href,
      `SELECT to_json(e)::text AS row FROM audit.events e WHERE log = $1
       UNION ALL SELECT to_json(s)::text FROM audit.sealed_fields s WHERE log = $1
       UNION ALL SELECT to_json(p)::text FROM audit.personal_fields p WHERE log = $1`,
      [log],
    );
    const rows = stored.map(({ row }) => JSON.parse(String(row)) as Record<string, unknown>);
    expect(rows).toHaveLength(2);
    expect(rows[1]).toEqual({ log, seq: 1, ...sealed[0] });
    for (const secret of [user, "203.0.113.7", "browser"]) expect(JSON.stringify(rows)).not.toContain(secret);
  });

  it("replaces what it has in clear once its log sends the sealed form, and touches no other entry's", async () => {
    const log = `platform-${crypto.randomUUID()}`;
    const [first, second] = [1, 2].map((seq) => sinkEntry(log, seq, login(newUserId())));
    // As a version before this one wrote them.
    await write(null, { ...first!, sealed: [] }, { ...second!, sealed: [] });
    for (const { entry, salts } of [first!, second!])
      for (const [field, salt] of Object.entries(salts))
        await runAs(setup.ownerUrls["first"]!, "INSERT INTO audit.personal_fields VALUES ($1, $2, $3, $4, $5)", [
          log,
          entry.seq,
          field,
          JSON.stringify((entry.event as unknown as Record<string, unknown>)[field]),
          salt,
        ]);
    const plain = () =>
      runAs(
        setup.ownerUrls["first"]!,
        "SELECT seq::int, count(*)::int AS fields FROM audit.personal_fields WHERE log = $1 GROUP BY seq ORDER BY seq",
        [log],
      );
    expect(await plain()).toEqual([
      { seq: 1, fields: 3 },
      { seq: 2, fields: 3 },
    ]);
    await write(null, first!);
    expect(await plain()).toEqual([{ seq: 2, fields: 3 }]);
    await write(null, first!, second!);
    expect(await plain()).toEqual([]);
    expect(await sealedOf("first", log)).toEqual([first!, second!].flatMap(({ sealed }) => sealed));
  });

  it("stores all of a batch or nothing, and nothing whose hash does not fit its text", async () => {
    const log = `platform-${crypto.randomUUID()}`;
    const good = sinkEntry(log, 1, login(newUserId()));
    const forged = sinkEntry(log, 2, login(newUserId()));
    const changed = { ...forged, leafJson: forged.leafJson.replace("success", "failure") };
    await expect(write(null, good, changed)).rejects.toMatchObject({ code: "23514" });
    expect(await rowsOf("first", log)).toEqual([]);
  });

  it("refuses entries of a log that the call does not speak for", async () => {
    const entry = sinkEntry(newOrgId(), 1, login(newUserId()));
    expect(await refusedBecause(write(tenant.org, entry))).toBe("wrong_org");
    expect(await refusedBecause(write(null, entry))).toBe("wrong_org");
    expect(await refusedBecause(write(tenant.org, sinkEntry("platform-0", 1, login(newUserId()))))).toBe("wrong_org");
  });
});

describe("the audit table", () => {
  const changes = [
    "UPDATE audit.events SET type = 'x'",
    "DELETE FROM audit.events",
    "TRUNCATE audit.events",
    "UPDATE audit.events_2026_06 SET type = 'x'",
    "DELETE FROM audit.events_2026_06",
    "TRUNCATE audit.events_2026_06",
    "TRUNCATE audit.events_default",
    "UPDATE audit.sealed_fields SET subject = 2",
    "DELETE FROM audit.sealed_fields",
    "TRUNCATE audit.sealed_fields",
  ];
  beforeAll(async () => {
    await write(tenant.org, sinkEntry(tenant.org, 1000, login(newUserId())));
  });

  it.each(changes)("refuses its writer: %s", async (text) => {
    await expect(runAs(setup.placements["second"]!.auditWriterUrl, text)).rejects.toMatchObject({ code: "42501" });
  });

  it.each(changes)("refuses its owner: %s", async (text) => {
    await expect(runAs(setup.ownerUrls["second"]!, text)).rejects.toMatchObject({ code: "42501" });
  });

  it("refuses its writer to change a person in clear or to drop it, and the writer is nothing else", async () => {
    const { auditWriterUrl } = setup.placements["second"]!;
    for (const text of [
      "UPDATE audit.personal_fields SET salt = 'x'",
      "DROP TABLE audit.events",
      "ALTER TABLE audit.events DISABLE TRIGGER ALL",
      `SELECT * FROM ${tenant.name}.devices`,
    ]) {
      await expect(runAs(auditWriterUrl, text)).rejects.toMatchObject({ code: "42501" });
    }
  });
});

describe("what the reconciler sees", () => {
  const exists = async (org: FreshTenant["org"] | null, request: string) =>
    receiptExists(world.unit, await call(org), org, request);

  it("a receipt in the control schema", async () => {
    const request = newRequestId();
    expect(await exists(null, request)).toBe(false);
    await controlDatabase.query(sql`INSERT INTO control.operation_receipts (request_id) VALUES (${request})`);
    expect(await exists(null, request)).toBe(true);
    expect(await exists(tenant.org, request)).toBe(true);
  });

  it("a receipt in the tenant's schema, and only for that tenant", async () => {
    const request = newRequestId();
    await tenant.run("owner", newUserId(), sql`INSERT INTO operation_receipts (request_id) VALUES (${request})`);
    expect(await exists(tenant.org, request)).toBe(true);
    expect(await exists((await freshTenant()).org, request)).toBe(false);
    expect(await exists(null, request)).toBe(false);
  });

  it("nothing of an organisation that has no database: nothing was done in it", async () => {
    expect(await exists(newOrgId(), newRequestId())).toBe(false);
  });

  it("no receipt that was rolled back with its work", async () => {
    const request = newRequestId();
    const client = await connect(setup.controlUrl);
    await client.query("BEGIN");
    await client.query("INSERT INTO control.operation_receipts (request_id) VALUES ($1)", [request]);
    expect(await exists(null, request)).toBe(false);
    await client.query("ROLLBACK");
    await client.end();
    expect(await exists(null, request)).toBe(false);
  });
});

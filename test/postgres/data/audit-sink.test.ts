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
import { commitmentOf, createDataWorld, type DataWorld, refusedBecause, sinkEntry } from "./support.ts";

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

  it("keeps what names a person apart from the row that can't change, and the salt proves it", async () => {
    const log = `platform-${crypto.randomUUID()}`;
    const user = newUserId();
    const entry = sinkEntry(log, 1, login(user));
    await write(null, entry);
    const [row] = await rowsOf("first", log);
    for (const secret of [user, "203.0.113.7", "browser"]) expect(JSON.stringify(row)).not.toContain(secret);
    const people = await runAs(
      setup.ownerUrls["first"]!,
      "SELECT field, value, salt FROM audit.personal_fields WHERE log = $1 ORDER BY field",
      [log],
    );
    expect(people.map(({ field, value }) => [field, value])).toEqual([
      ["ip", "203.0.113.7"],
      ["user_agent", "browser\r\ninjected: line"],
      ["user_id", user],
    ]);
    const event = (JSON.parse(String(row?.["leaf_json"])) as { event: Record<string, { sha256: string }> }).event;
    for (const { field, value, salt } of people) {
      expect(event[String(field)]?.sha256).toBe(commitmentOf(String(salt), String(value)));
    }
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
    "UPDATE audit.personal_fields SET value = 'null'",
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

  it("refuses its writer to erase a person or to drop it, and the writer is nothing else", async () => {
    const { auditWriterUrl } = setup.placements["second"]!;
    for (const text of [
      "DELETE FROM audit.personal_fields",
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

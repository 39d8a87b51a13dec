import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeReplyKey, openReply } from "../../../core/crypto/reply-key.ts";
import { makeId } from "../../../core/ids.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { DatabaseError, sql } from "../../../store/connect.ts";
import { ingestRecordsMax, writeRecords } from "../../../workers/data/ingest/write-records.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import {
  asSuperuser,
  dataVariables,
  type FreshTenant,
  freshTenant,
  newRequestId,
  newUserId,
  runAs,
  setup,
} from "../support.ts";
import { createDataWorld, type DataWorld, newDeviceId, refusedBecause } from "./support.ts";

let world: DataWorld;
let tenant: FreshTenant;
const device = newDeviceId();
const at = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000).toISOString();
beforeAll(async () => {
  world = await createDataWorld();
});
beforeEach(async () => {
  tenant = await freshTenant();
  const code = makeId("enrollmentCode", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  // As a superuser: row level security holds for the tables' owner too, and how devices come to be is the
  // enrolment's business.
  const superuserUrl = setup.superuserUrls[tenant.placement]!;
  await runAs(
    superuserUrl,
    `INSERT INTO ${tenant.name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
     VALUES ($1, $2, 'code', now(), 1, 'usr')`,
    [code, "0".repeat(64)],
  );
  await runAs(
    superuserUrl,
    `INSERT INTO ${tenant.name}.devices (id, name, platform, token_sha256, enrollment_code_id)
     VALUES ($1, 'device', 'linux', $2, $3)`,
    [device, "0".repeat(64), code],
  );
});

const call = (org = tenant.org) =>
  world.mesh.caller("durable-objects").asJob("data.ingest", "ingest", org, newRequestId());
const write = async (...records: IngestRecord[]) => writeRecords(world.unit, await call(), tenant.org, records);
const telemetry = (
  sampleId: string,
  over: Partial<Extract<IngestRecord, { kind: "telemetry" }>> = {},
): IngestRecord => ({
  kind: "telemetry",
  device,
  sampleId,
  at,
  receivedAt: at,
  metrics: { cpu_percent: 1.5 },
  ...over,
});
const presence = (online: boolean, when: string): IngestRecord => ({ kind: "presence", device, online, at: when });
const stored = async () =>
  (await tenant.run("system", null, sql`SELECT sample_id, at, metrics FROM telemetry ORDER BY sample_id`))[0];
const shown = async () => (await tenant.run("system", null, sql`SELECT online, last_seen_at FROM devices`))[0]?.[0];

describe("telemetry", () => {
  it("is stored as it was read", async () => {
    await write(telemetry("a", { metrics: { cpu_percent: 1.5, uptime_seconds: 1e9 } }));
    expect(await stored()).toEqual([
      { sample_id: "a", at: new Date(at), metrics: { cpu_percent: 1.5, uptime_seconds: 1e9 } },
    ]);
  });

  it("is stored once however often it is sent, and the first one stands", async () => {
    await write(telemetry("a"), telemetry("b"), telemetry("a"));
    await write(telemetry("a", { metrics: { cpu_percent: 99 } }), telemetry("c"));
    expect((await stored())?.map((row) => [row["sample_id"], row["metrics"]])).toEqual([
      ["a", { cpu_percent: 1.5 }],
      ["b", { cpu_percent: 1.5 }],
      ["c", { cpu_percent: 1.5 }],
    ]);
  });

  it("of years that Postgres does not read as text holds nothing up: a wrong device clock is the device's alone", async () => {
    await write(
      telemetry("a", { at: "0000-01-01T00:00:00Z" }),
      telemetry("b"),
      telemetry("c", { at: "9999-12-31T23:59:59Z" }),
    );
    expect((await stored())?.map((row) => row["sample_id"])).toEqual(["b", "c"]);
  });

  it("that no Postgres could store is dropped, and what travels with it is not", async () => {
    const records = Array.from({ length: 9 }, (_, index) => telemetry(`s${index}`));
    records[4] = telemetry("x".repeat(65));
    records[7] = telemetry("y", { metrics: { [`nul_\u0000`]: 1 } });
    await write(...records);
    expect((await stored())?.map((row) => row["sample_id"])).toEqual(["s0", "s1", "s2", "s3", "s5", "s6", "s8"]);
  });

  it("is not lost in silence when Postgres can't be reached: the outbox is told", async () => {
    const cut = await createUnit(
      { ...dataVariables, NEON_GATEWAY: "127.0.0.1:1", MESH_ROOTS: world.mesh.namespace },
      Date.now,
    );
    const error = await writeRecords(cut, await call(), tenant.org, [telemetry("a")]).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DatabaseError);
    expect((error as DatabaseError).unreachable).toBe(true);
  });
});

describe("presence", () => {
  it("follows the device's last word in a batch", async () => {
    await write(
      presence(true, "2026-03-01T10:00:00Z"),
      presence(false, "2026-03-01T10:00:01Z"),
      presence(true, "2026-03-01T10:00:02Z"),
    );
    expect(await shown()).toEqual({ online: true, last_seen_at: new Date("2026-03-01T10:00:02Z") });
  });

  it("is not undone by an older word that is sent again", async () => {
    await write(presence(true, "2026-03-01T10:00:00Z"));
    await write(presence(false, "2026-03-01T10:05:00Z"));
    await write(presence(true, "2026-03-01T10:00:00Z"));
    expect(await shown()).toEqual({ online: false, last_seen_at: new Date("2026-03-01T10:05:00Z") });
  });
});

describe("a reply", () => {
  const command = makeId("command", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const reply = (of = device, pong = 1): IngestRecord => ({
    kind: "reply",
    device: of,
    receivedAt: at,
    reply: { id: command, ok: true, result: { pong } },
  });
  const replies = async () => (await tenant.run("system", null, sql`SELECT reply, replied_at FROM commands`))[0];
  beforeEach(async () => {
    const user = newUserId();
    await tenant.run(
      "owner",
      user,
      sql`INSERT INTO commands (id, device_id, name, args, issued_by, expires_at)
      VALUES (${command}, ${device}, 'ping', '{}', ${user}, now())`,
    );
  });

  it("fills its command's row, and the first one stands", async () => {
    await write(reply(), reply(device, 2));
    await write(reply(device, 3));
    expect(await replies()).toEqual([
      { reply: { id: command, ok: true, result: { pong: 1 } }, replied_at: new Date(at) },
    ]);
  });

  it("to a command that brought a key is stored sealed, repeated or not, and by no other device", async () => {
    const { publicKey, privateKey } = await makeReplyKey();
    await asSuperuser(
      `UPDATE ${tenant.name}.commands SET args_sealed = 'd1.sealed', args = jsonb_build_object('reply_key', $1::text)`,
      [publicKey],
      tenant.placement,
    );
    await write(reply(newDeviceId(), 0));
    const sealed = async () => (await tenant.run("system", null, sql`SELECT reply, replied_at FROM commands`))[0]?.[0];
    expect(await sealed()).toEqual({ reply: null, replied_at: null });
    await write(reply(), reply(device, 2));
    const first = await sealed();
    expect(first).toEqual({ reply: { sealed: expect.stringMatching(/^r1\./) }, replied_at: new Date(at) });
    await write(reply(device, 3));
    expect(await sealed()).toEqual(first);
    const text = await openReply(
      { org: tenant.org, command },
      { publicKey, privateKey },
      String((first?.["reply"] as { sealed?: string } | undefined)?.sealed),
    );
    expect(JSON.parse(new TextDecoder().decode(text))).toEqual({ id: command, ok: true, result: { pong: 1 } });
  });

  it("of another device does not", async () => {
    await write(reply(newDeviceId()));
    expect(await replies()).toEqual([{ reply: null, replied_at: null }]);
  });
});

describe("a call to ingest", () => {
  it("is refused for another organisation than the one it was signed for", async () => {
    const other = await freshTenant();
    expect(await refusedBecause(writeRecords(world.unit, await call(), other.org, [telemetry("a")]))).toBe("wrong_org");
  });

  it("is refused to every Worker but the hub's, and to every job but its own", async () => {
    for (const workload of ["studio", "capabilities"] as const) {
      const signed = await world.mesh.caller(workload).asJob("data.ingest", "ingest", tenant.org, newRequestId());
      expect(await refusedBecause(writeRecords(world.unit, signed, tenant.org, []))).toBe("not_granted");
    }
    const signed = await world.mesh
      .caller("durable-objects")
      .asJob("data.ingest", "audit_drain", tenant.org, newRequestId());
    expect(await refusedBecause(writeRecords(world.unit, signed, tenant.org, []))).toBe("wrong_job");
  });

  it("is refused when it carries more than a batch may", async () => {
    const records = Array.from({ length: ingestRecordsMax + 1 }, () => telemetry("a"));
    await expect(write(...records)).rejects.toThrow(RangeError);
  });
});

import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { asSuperuser, type FreshTenant } from "../support.ts";
import { accepted, codeOf, createWorld, enrolOne, ingest, ingestReplies, owner, type World } from "./support.ts";

let world: World;
let tenant: FreshTenant;
let device: DeviceId;
beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
  device = (await enrolOne(world, tenant.org)).id;
});
afterEach(() => {
  world.hub.before = () => undefined;
});
const asOwner = () => world.as(tenant.org, owner);

describe("a command", () => {
  const ping = { name: "ping", args: { note: "नमस्ते" }, ttlSeconds: 60 } as const;
  const send = async (over: object = {}) =>
    world.devices.sendCommand(await asOwner(), device, { ...ping, ...over } as never);

  it("is stored and published with the same content", async () => {
    const command = accepted(await send());
    expect(command).toMatchObject({ device, name: "ping", args: ping.args, issuedBy: owner.user, reply: null });
    expect(Date.parse(command.expiresAt) - Date.parse(command.issuedAt)).toBe(60_000);
    const published = world.hub.of(tenant.org).published.at(-1);
    expect(published?.device).toBe(device);
    expect(JSON.parse(published?.payload ?? "")).toEqual({
      id: command.id,
      name: "ping",
      args: ping.args,
      issued_at: command.issuedAt,
      expires_at: command.expiresAt,
    });
  });

  it("lies sealed in the tenant's schema, and opens as itself alone", async () => {
    const secret = { note: "the code is 4711" };
    const [first, second] = [accepted(await send({ args: secret })), accepted(await send({ args: { note: "other" } }))];
    const rows = await tenant.run(
      "system",
      null,
      sql`SELECT id, args::text, args_sealed, commands::text AS whole FROM commands`,
    );
    const stored = rows[0]?.find((row) => row["id"] === first.id);
    expect(stored).toMatchObject({ args_sealed: expect.stringMatching(/^d1\.dky_/) });
    // Beside it, in clear: the public key that the reply is to be sealed with.
    expect(JSON.parse(String(stored?.["args"]))).toEqual({
      reply_key: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      reply_key_sealed: expect.stringMatching(/^d1\.dky_/),
    });
    expect(String(stored?.["whole"])).not.toContain("4711");

    // Whoever can write rows can't make one command's arguments another's.
    await asSuperuser(
      `UPDATE ${tenant.name}.commands SET args_sealed = $1 WHERE id = $2`,
      [stored?.["args_sealed"], second.id],
      tenant.placement,
    );
    await expect(world.devices.listCommands(await asOwner(), device, { limit: 200, cursor: null })).rejects.toThrow(
      "does not open here",
    );
    await asSuperuser(`DELETE FROM ${tenant.name}.commands WHERE id = $1`, [second.id], tenant.placement);
  });

  it("of before there were data keys is shown as it was stored", async () => {
    const id = newId("command");
    await asSuperuser(
      `INSERT INTO ${tenant.name}.commands (id, device_id, name, args, issued_by, expires_at)
       VALUES ($1, $2, 'ping', '{"note": "old"}', $3, now())`,
      [id, device, owner.user],
      tenant.placement,
    );
    const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 200, cursor: null }));
    expect(page.items.find((command) => command.id === id)).toMatchObject({ args: { note: "old" } });
  });

  it("restored from another organisation's backup shows that its arguments are gone, and hides no other", async () => {
    const id = newId("command");
    const elsewhere = `d1.${newId("dataKey")}.${"A".repeat(16)}.${"A".repeat(40)}`;
    await asSuperuser(
      `INSERT INTO ${tenant.name}.commands (id, device_id, name, args, args_sealed, issued_by, expires_at)
       VALUES ($1, $2, 'ping', '{}', $3, $4, now())`,
      [id, device, elsewhere, owner.user],
      tenant.placement,
    );
    const own = accepted(await send({ args: { note: "own" } }));
    const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 200, cursor: null }));
    expect(page.items.find((command) => command.id === id)).toMatchObject({ name: "ping", args: null });
    expect(page.items.find((command) => command.id === own.id)).toMatchObject({ args: { note: "own" } });
  });

  it("carries whatever JSON can say, a NUL and half a surrogate pair too", async () => {
    const args = { text: "a\u0000b", half: "\uD800" };
    const command = accepted(await send({ args }));
    expect(JSON.parse(world.hub.of(tenant.org).published.at(-1)?.payload ?? "")).toMatchObject({ args });
    const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 200, cursor: null }));
    expect(page.items.find((item) => item.id === command.id)).toMatchObject({ args });
  });

  it("is answered by a reply that lies sealed for it, and opens as this command's alone", async () => {
    const [first, second] = [accepted(await send()), accepted(await send())];
    const secret = { id: first.id, ok: true, result: { output: "the code is 4711" } } as const;
    await ingestReplies(world, tenant, device, [secret, { id: second.id, ok: true, result: { output: "other" } }]);
    const rows = await asSuperuser(
      `SELECT id, reply ->> 'sealed' AS sealed, args ->> 'reply_key' AS key, c::text AS whole
       FROM ${tenant.name}.commands c WHERE id = ANY ($1)`,
      [[first.id, second.id]],
      tenant.placement,
    );
    for (const row of rows) {
      expect(row["sealed"]).toMatch(/^r1\./);
      expect(String(row["whole"])).not.toContain("4711");
    }
    const listed = async () =>
      accepted(await world.devices.listCommands(await asOwner(), device, { limit: 200, cursor: null })).items;
    expect((await listed()).find(({ id }) => id === first.id)?.reply).toEqual(secret);

    // Whoever may write a reply can make none of another's, and what they write hides no other command.
    const of = rows.find(({ id }) => id === first.id);
    for (const change of [
      `reply = jsonb_build_object('sealed', '${of?.["sealed"]}')`,
      `args = jsonb_set(args, '{reply_key}', '"${of?.["key"]}"')`,
      `reply = '{"sealed": "r1.x.y"}'`,
      `args = jsonb_set(args, '{reply_key_sealed}', '"d1.${newId("dataKey")}.${"A".repeat(16)}.${"A".repeat(40)}"')`,
    ]) {
      await asSuperuser(`UPDATE ${tenant.name}.commands SET ${change} WHERE id = $1`, [second.id], tenant.placement);
      const items = await listed();
      expect(items.find(({ id }) => id === second.id)).toMatchObject({ reply: null, repliedAt: expect.any(String) });
      expect(items.find(({ id }) => id === first.id)?.reply).toEqual(secret);
    }
    const both = [[first.id, second.id]];
    await asSuperuser(`DELETE FROM ${tenant.name}.commands WHERE id = ANY ($1)`, both, tenant.placement);
  });

  it("keeps the key that it brought along for its reply, whatever SQL runs as the tenant's role", async () => {
    const { id } = accepted(await send());
    const replace = sql`UPDATE commands SET args = '{"reply_key": "another"}' WHERE id = ${id}`;
    await expect(tenant.run("system", null, replace)).rejects.toMatchObject({ code: "42501" });
    await asSuperuser(`DELETE FROM ${tenant.name}.commands WHERE id = $1`, [id], tenant.placement);
  });

  it("is listed newest first, with its reply when there is one", async () => {
    const first = accepted(await send());
    const second = accepted(await send({ name: "inventory", args: {} }));
    const reply = { id: first.id, ok: true, result: { pong: true } };
    await tenant.run(
      "system",
      null,
      sql`UPDATE commands SET reply = ${JSON.stringify(reply)}::jsonb, replied_at = now() WHERE id = ${first.id}`,
    );
    const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 2, cursor: null }));
    expect(page.items.map((command) => command.id)).toEqual([second.id, first.id].sort().reverse());
    expect(page.items.find((command) => command.id === first.id)).toMatchObject({ reply });
    expect(page.nextCursor).toBe(page.items[1]?.id);
  });

  it("shows no reply that isn't one: what a device wrote is not trusted to have a shape", async () => {
    const command = accepted(await send());
    for (const reply of [1, [], { id: newId("command"), ok: true, result: {} }, { id: command.id, ok: "yes" }]) {
      await tenant.run(
        "system",
        null,
        sql`UPDATE commands SET reply = ${JSON.stringify(reply)}::jsonb WHERE id = ${command.id}`,
      );
      const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 1, cursor: null }));
      expect(page.items[0]).toMatchObject({ id: command.id, reply: null });
    }
  });

  it.each([
    ["an unknown name", { name: "format_disk" }],
    ["no time to live", { ttlSeconds: 0 }],
    ["more than a day to live", { ttlSeconds: 86_401 }],
    ["half a second", { ttlSeconds: 0.5 }],
    ["arguments that are a list", { args: [] }],
    ["arguments that are nothing", { args: null }],
    ["arguments that fill a packet", { args: { text: "x".repeat(16 * 1024) } }],
  ])("is refused with %s, and nothing is published", async (_, over) => {
    const before = world.hub.of(tenant.org).published.length;
    expect(codeOf(await send(over))).toBe("invalid_request");
    expect(world.hub.of(tenant.org).published).toHaveLength(before);
  });

  it("says so when it could not be published, and stays in the list as unanswered", async () => {
    world.hub.before = () => {
      throw new Error("the hub is away");
    };
    await expect(send()).rejects.toThrow("the hub is away");
    world.hub.before = () => undefined;
    const page = accepted(await world.devices.listCommands(await asOwner(), device, { limit: 1, cursor: null }));
    expect(page.items[0]).toMatchObject({ reply: null });
  });
});

describe("telemetry", () => {
  /** Noon of the day before yesterday (UTC). */
  const startMs = (Math.floor(Date.now() / 86_400_000) - 1.5) * 86_400_000;
  const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString();
  const range = (fromS: number, toS: number, stepSeconds: number) => ({
    fromMs: Date.parse(at(fromS)),
    toMs: Date.parse(at(toS)),
    stepSeconds,
  });
  let measured: DeviceId;
  beforeAll(async () => {
    measured = (await enrolOne(world, tenant.org, "Measured")).id;
    await ingest(tenant, measured, [
      { id: "a", at: at(0), metrics: { cpu_percent: 10, memory_used_bytes: 1_000 } },
      { id: "b", at: at(59.999), metrics: { cpu_percent: 25 } },
      { id: "c", at: at(60), metrics: { cpu_percent: 0.5 } },
      { id: "d", at: at(150), metrics: { battery_percent: 99 } },
      { id: "e", at: at(240), metrics: { cpu_percent: 1 } },
    ]);
  });
  const query = async (id: DeviceId, asked: ReturnType<typeof range>) =>
    world.devices.telemetry(await asOwner(), id, asked);

  it("is averaged per bucket and metric; empty buckets and missing metrics are absent", async () => {
    expect(accepted(await query(measured, range(0, 240, 60))).buckets).toEqual([
      { at: at(0), samples: 2, metrics: { cpu_percent: 17.5, memory_used_bytes: 1_000 } },
      { at: at(60), samples: 1, metrics: { cpu_percent: 0.5 } },
      { at: at(120), samples: 1, metrics: { battery_percent: 99 } },
    ]);
  });

  it("begins its first bucket at the start of the range and leaves its end out", async () => {
    expect(accepted(await query(measured, range(30, 150, 60))).buckets).toEqual([
      { at: at(30), samples: 2, metrics: { cpu_percent: 12.75 } },
    ]);
  });

  it("survives a device that sends the largest and the smallest numbers there are", async () => {
    const { id } = await enrolOne(world, tenant.org, "Extreme");
    await ingest(tenant, id, [
      { id: "a", at: at(0), metrics: { big: Number.MAX_VALUE, tiny: Number.MIN_VALUE } },
      { id: "b", at: at(1), metrics: { big: Number.MAX_VALUE, tiny: 0 } },
      { id: "c", at: at(2), metrics: { big: Number.MAX_VALUE, tiny: 0 } },
    ]);
    expect(accepted(await query(id, range(0, 60, 60))).buckets).toEqual([
      { at: at(0), samples: 3, metrics: { big: Number.MAX_VALUE, tiny: 0 } },
    ]);
  });

  it("fits 64 metrics of the longest names and numbers into a row", async () => {
    const { id } = await enrolOne(world, tenant.org, "Talkative");
    const metrics = Object.fromEntries(
      Array.from({ length: 64 }, (_, index) => [`m${String(index).padStart(63, "0")}`, -Math.PI * 1e-300]),
    );
    await ingest(tenant, id, [{ id: "x".repeat(64), at: at(0), metrics }]);
    expect(Object.keys(accepted(await query(id, range(0, 60, 60))).buckets[0]?.metrics ?? {})).toHaveLength(64);
  });

  it.each([
    ["a range that is empty", { fromMs: 1000, toMs: 1000, stepSeconds: 1 }],
    ["a range that runs backwards", { fromMs: 2000, toMs: 1000, stepSeconds: 1 }],
    ["more than 2,000 buckets", { fromMs: 0, toMs: 2_000_001, stepSeconds: 1 }],
    ["a step of nothing", { fromMs: 0, toMs: 1000, stepSeconds: 0 }],
    ["a time that is no number", { fromMs: Number.NaN, toMs: 1000, stepSeconds: 1 }],
    ["a time beyond the year 9999", { fromMs: 0, toMs: 8_640_000_000_000_000, stepSeconds: 86_400_000_000 }],
    ["a step of less than a second", { fromMs: 0, toMs: 1000, stepSeconds: 0.1 }],
  ])("refuses %s", async (_, asked) => {
    expect(codeOf(await query(measured, asked))).toBe("invalid_request");
  });

  it("answers exactly 2,000 buckets", async () => {
    expect(codeOf(await query(measured, { fromMs: 0, toMs: 2_000_000, stepSeconds: 1 }))).toBe("ok");
  });
});

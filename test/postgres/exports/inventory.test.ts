/** An export of devices, from its wish to its bytes. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import type { Account } from "../studio/harness.ts";
import { asSuperuser } from "../support.ts";
import { createExportsKit, type ExportsKit, tableOf } from "./kit.ts";

let kit: ExportsKit;
let org: Organisation;
let other: Organisation;
let analyst: Account;
// Real parts are behind this clock: they take no call from another hour.
beforeEach(() => {
  kit.clock.nowMs = Date.now();
});
beforeAll(async () => {
  kit = await createExportsKit();
  [org, other] = [await kit.organisation(), await kit.organisation()];
  analyst = await kit.newMember(org, "analyst");
});

const inventory = { source: "inventory", format: "csv" } as const;
const at = (path: string): string => `/api/v1/orgs/${org.slug}/exports${path}`;

describe("an export of the inventory", () => {
  it("has every device that an owner sees, in CSV and in JSONL", async () => {
    const devices = (await kit.send("GET", `/api/v1/orgs/${org.slug}/devices`, { token: org.owner.token })).body.items;
    expect(devices.length).toBeGreaterThan(1);
    const table = tableOf(await kit.made(org, org.owner, inventory));
    const ids = (rows: readonly { readonly [name: string]: unknown }[], name: string) => rows.map((row) => row[name]);
    expect(ids(table, "device_id")).toEqual(ids(devices, "id"));
    expect(ids(table, "name")).toEqual(ids(devices, "name"));
    const lines = (await kit.made(org, org.owner, { ...inventory, format: "jsonl" })).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).device_id)).toEqual(ids(devices, "id"));
    expect(JSON.parse(lines[0] ?? "").groups).toEqual(devices[0].groups);
  });

  it("has of an analyst's the devices of their groups alone, and of nobody else's organisation any", async () => {
    expect(tableOf(await kit.made(org, analyst, inventory))).toEqual([]);
    const { owner, things } = org;
    const group = `/api/v1/orgs/${org.slug}/groups/${things["group"]}`;
    await kit.send("PUT", `${group}/members/${analyst.id}`, { token: owner.token });
    await kit.send("PUT", `${group}/devices/${things["device"]}`, { token: owner.token });
    const seen = tableOf(await kit.made(org, analyst, inventory));
    expect(seen.map(({ device_id }) => device_id)).toEqual([things["device"]]);
    expect(await kit.made(other, other.owner, inventory)).not.toContain(things["device"]);
  });

  it("shows how far it is, and is on record when it is asked for and each time it leaves", async () => {
    const id = await kit.begin(org, org.owner, inventory);
    expect(await kit.show(org, org.owner, id)).toMatchObject({ state: "queued", percent: 0, rows: 0 });
    await kit.turn(id);
    const done = await kit.show(org, org.owner, id);
    expect(done).toMatchObject({ state: "done", percent: 100, rows: done.rows_expected, failure: null });
    const { text } = await kit.download(org, org.owner, id);
    expect(done.bytes).toBe(Buffer.byteLength(text));
    const { body } = await kit.send("GET", `/api/v1/orgs/${org.slug}/audit?limit=50`, { token: org.owner.token });
    const event = {
      type: "export",
      user_id: org.owner.id,
      format: "inventory+csv",
      document_ids: [],
      destination: `the person's own download, ${id}`,
    };
    const said = body.items.map((entry: { event: typeof event }) => entry.event);
    expect(said.filter(({ destination }: typeof event) => destination?.endsWith(id) === true)).toEqual([event, event]);
  });

  it("lies in the bucket sealed: no name of a device is in any object, and its row holds no key in clear", async () => {
    const id = await kit.begin(org, org.owner, inventory);
    await kit.turn(id);
    const [row] = await asSuperuser(
      "SELECT wrapped_key, jsonb_array_length(parts) AS parts, parts -> 0 ->> 'o' AS object FROM control.exports WHERE id = $1",
      [id],
    );
    expect(row).toEqual({
      wrapped_key: expect.stringMatching(/^[A-Za-z0-9._:-]{60,}$/),
      parts: 1,
      object: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const object = await kit.exportBucket.get(`${org.id}/${id}/${row?.["object"]}`);
    const sealed = Buffer.from((await object?.arrayBuffer()) ?? new ArrayBuffer(0));
    expect(sealed.length).toBeGreaterThan(100);
    expect(sealed.includes("device_id") || sealed.includes(org.things["device"] ?? "")).toBe(false);
  });
});

describe("an export of somebody else's", () => {
  it("is a 404 to another organisation, and to an analyst of one's own", async () => {
    const id = await kit.begin(org, org.owner, inventory);
    await kit.turn(id);
    const tries = [
      ["GET", `/${id}`],
      ["DELETE", `/${id}`],
      ["GET", `/${id}/download`],
      ["POST", `/${id}/tickets`],
    ] as const;
    for (const [method, path] of tries) {
      const theirs = `/api/v1/orgs/${other.slug}/exports${path}`;
      expect([method, (await kit.send(method, theirs, { token: other.owner.token })).status]).toEqual([method, 404]);
      expect([method, (await kit.send(method, at(path), { token: analyst.token })).status]).toEqual([method, 404]);
    }
    const list = await kit.send("GET", at(""), { token: analyst.token });
    expect(list.body.items.every((item: { requested_by: string }) => item.requested_by === analyst.id)).toBe(true);
    // Whoever sees that it is there does not get what is in it: an admin sees other rows than an owner's only by chance.
    const admin = await kit.newMember(org, "admin");
    expect((await kit.send("GET", at(`/${id}`), { token: admin.token })).status).toBe(200);
    expect((await kit.send("GET", at(`/${id}/download`), { token: admin.token })).status).toBe(404);
  });

  it("is not for a viewer, and not of a source that a role may not read", async () => {
    const refused = async (by: Account, wanted: typeof inventory | { source: "audit"; format: "csv" }) =>
      (await kit.ask(org, by, wanted)).status;
    expect(await refused(org.viewer, inventory)).toBe(403);
    expect(await refused(analyst, { source: "audit", format: "csv" })).toBe(403);
  });
});

describe("somebody whose role changed", () => {
  it("gets nothing more of what they had asked for", async () => {
    const person = await kit.newMember(org, "admin");
    const [begun, whole] = [await kit.begin(org, person, inventory), await kit.begin(org, person, inventory)];
    await kit.turn(whole);
    expect((await kit.download(org, person, whole)).status).toBe(200);
    await kit.send("PATCH", `/api/v1/orgs/${org.slug}/members/${person.id}`, {
      token: org.owner.token,
      body: { role: "analyst" },
    });
    await kit.turn(begun);
    expect(await kit.show(org, org.owner, begun)).toMatchObject({ state: "failed", failure: "access_lost" });
    const { token } = await kit.signIn(person.email);
    expect((await kit.download(org, { ...person, token }, whole)).status).toBe(404);
  });
});

describe("a ticket", () => {
  const ticketOf = async (id: string): Promise<{ ticket: string; action: string; expires_at: string }> =>
    (await kit.send("POST", at(`/${id}/tickets`), { token: org.owner.token })).body;
  const redeem = (action: string, ticket: string) => kit.send("POST", action, { body: { ticket } });

  it("is good once, for a quarter of an hour, and gives the file", async () => {
    const id = await kit.begin(org, org.owner, inventory);
    await kit.turn(id);
    const { ticket, action, expires_at } = await ticketOf(id);
    expect(Date.parse(expires_at) - kit.clock.nowMs).toBe(15 * 60_000);
    expect((await redeem(`/content/${other.id}/exports`, ticket)).status).toBe(404);
    // Shown at another's door it is spent: whoever is first with it has it.
    expect((await redeem(action, ticket)).status).toBe(404);
    const second = await ticketOf(id);
    const sent = await redeem(second.action, second.ticket);
    expect(sent.status).toBe(200);
    expect(sent.headers.get("Content-Disposition")).toMatch(/^attachment; filename="inventory-.*\.csv"$/);
    expect(sent.text).toBe((await kit.download(org, org.owner, id)).text);
    expect((await redeem(second.action, second.ticket)).status).toBe(404);
  });

  it("is worth nothing when its time is over, or its session", async () => {
    const id = await kit.begin(org, org.owner, inventory);
    await kit.turn(id);
    const late = await ticketOf(id);
    const person = await kit.newMember(org, "admin");
    const own = await kit.begin(org, person, inventory);
    await kit.turn(own);
    const { body } = await kit.send("POST", at(`/${own}/tickets`), { token: person.token });
    await kit.send("POST", "/api/v1/auth/logout", { token: person.token });
    expect((await redeem(body.action, body.ticket)).status).toBe(404);
    kit.clock.nowMs += 15 * 60_000;
    expect((await redeem(late.action, late.ticket)).status).toBe(404);
  });
});

describe("an export of more than a thousand rows", () => {
  it("leaves only with somebody who has just proven themselves", async () => {
    const big = await kit.organisation();
    await big.tenant.run(
      "system",
      null,
      sql`INSERT INTO devices (id, name, platform, token_sha256, enrollment_code_id)
        SELECT 'dev_' || lpad(n::text, 26, '0'), 'pc ' || n, 'linux', encode(sha256(n::text::bytea), 'hex'),
          (SELECT min(id) FROM enrollment_codes)
        FROM generate_series(1, 1001) AS n`,
    );
    // Postgres has made them by its own clock.
    kit.clock.nowMs = Date.now();
    expect(tableOf(await kit.made(big, big.owner, inventory)).length).toBeGreaterThan(1_000);
    kit.clock.nowMs += 11 * 60_000;
    expect((await kit.ask(big, big.owner, inventory)).body.code).toBe("step_up_required");
  });
});

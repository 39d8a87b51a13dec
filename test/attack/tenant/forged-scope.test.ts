/** SQL of an attacker's own in the session of a viewer's request, which wants to be somebody else. */
import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { sql, unsafeRawSql } from "../../../store/connect.ts";
import { connect, type FreshTenant, freshTenant, newUserId } from "../../postgres/support.ts";
import { seedDevice } from "./support.ts";

let tenant: FreshTenant;
let other: FreshTenant;
const user = newUserId();
beforeAll(async () => {
  [tenant, other] = [await freshTenant(), await freshTenant()];
  await seedDevice(tenant);
});

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const ownersClaims = base64url({ u: user, r: "owner", exp: 9_999_999_999 });
/** Scopes of an owner that nobody signed; the first ones rely on a pattern or a comparison being read loosely. */
const forgeries: readonly string[] = [
  `v1.${ownersClaims}`,
  `v1.${ownersClaims}${"A".repeat(43)}`,
  `v1.${ownersClaims}x${"A".repeat(43)}`,
  `v1x${ownersClaims}.${"A".repeat(43)}`,
  `v1.${ownersClaims}..${"A".repeat(43)}`,
  `v1.${ownersClaims}.${"A".repeat(43)}`,
  `v1.${ownersClaims}.${"A".repeat(42)}`,
  `v1.${ownersClaims}.${"A".repeat(43)}\n`,
  `v1.${ownersClaims}.${"_".repeat(43)}`,
  `{v1,${ownersClaims},NULL}`,
  `v1.${ownersClaims}.NULL`,
  "",
];

/** A session of the tenant's role of its own, because functions are compiled once a session. */
async function inSession<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(tenant.url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const roleUnder = async (client: pg.Client, scope: string): Promise<string | null> => {
  await client.query("SELECT set_config('sentinel.scope', $1, false)", [scope]);
  const { rows } = await client.query("SELECT scope_role() AS role, (SELECT count(*)::int FROM devices) AS devices");
  // What the function says and what the policies made of it are never two things.
  expect(rows[0].devices).toBe(rows[0].role === null || rows[0].role === "viewer" ? 0 : 1);
  return rows[0].role;
};

describe("a scope that nobody signed", () => {
  it("is nobody's with backslashes read as before SQL:1999, where the pattern for it meant something else", async () => {
    for (const scope of forgeries) {
      const role = await inSession(async (client) => {
        await client.query("SET standard_conforming_strings = off");
        return roleUnder(client, scope);
      });
      expect(role, scope).toBeNull();
    }
  });

  it("is nobody's when one injected statement changes how strings are read and then forges", async () => {
    const [forged] = forgeries;
    const injected = `WITH a AS MATERIALIZED (
        SELECT set_config('standard_conforming_strings', 'off', true) AS s, set_config('sentinel.scope', '${forged}', true) AS t)
      SELECT a.s, x.role, x.devices FROM a, LATERAL (
        SELECT scope_role() AS role, (SELECT count(*)::int FROM devices WHERE a.s IS NOT NULL) AS devices) x`;
    const [, rows] = await tenant.database.transaction([
      sql`SELECT set_config('sentinel.scope', ${await tenant.rowScope("viewer", user)}, true)`,
      sql`${unsafeRawSql(injected)}`,
    ]);
    expect(rows).toEqual([{ s: "off", role: null, devices: 0 }]);
  });

  it("is nobody's under any value of any setting that the role may change", async () => {
    const settings = await inSession(async (client) => {
      const { rows } = await client.query<{ name: string; values: string[] }>(
        `SELECT name, CASE WHEN vartype = 'bool' THEN ARRAY['on', 'off'] ELSE enumvals END AS values FROM pg_settings
         WHERE context = 'user' AND vartype IN ('bool', 'enum') ORDER BY name`,
      );
      return rows;
    });
    expect(settings.length).toBeGreaterThan(60);
    expect(settings.map(({ name }) => name)).toContain("standard_conforming_strings");
    const viewer = await tenant.rowScope("viewer", user);
    let changed = 0;
    for (const { name, values } of settings) {
      for (const value of values) {
        await inSession(async (client) => {
          const set = client.query("SELECT set_config($1, $2, false)", [name, value]);
          // A few can't be set in the midst of a session, or not to everything that is listed.
          if (
            !(await set.then(
              () => true,
              () => false,
            ))
          )
            return;
          changed += 1;
          const answers: (string | null)[] = [];
          for (const scope of [forgeries[0], forgeries[1], viewer]) {
            // A setting may make a function fail: that shows nothing to anybody.
            answers.push(
              await roleUnder(client, scope as string).catch((error: { code?: string }) => error.code ?? "?"),
            );
          }
          const failed = /^[0-9A-Z]{5}$/;
          for (const answer of answers.slice(0, 2)) {
            if (answer !== null) expect([name, value, answer]).toEqual([name, value, expect.stringMatching(failed)]);
          }
          expect([name, value, answers[2]]).toEqual([name, value, expect.stringMatching(/^viewer$|^[0-9A-Z]{5}$/)]);
        });
      }
    }
    expect(changed).toBeGreaterThan(120);
  });

  it("is nobody's in another tenant's schema, whose key is another, whatever stands in its parts", async () => {
    const own = (await tenant.rowScope("owner", user)).split(".");
    const foreign = (await other.rowScope("owner", user)).split(".");
    for (const parts of [foreign, [own[0], own[1], foreign[2]], [own[0], foreign[1], own[2]]]) {
      // Equal claims in the same second are the same text: then only the signature tells them apart.
      if (parts.join(".") === own.join(".")) continue;
      const mixed = parts.join(".");
      const role = await inSession((client) => roleUnder(client, mixed));
      expect([own[1] === foreign[1] && parts[2] === own[2] ? "own" : "mixed", role]).toEqual(
        own[1] === foreign[1] && parts[2] === own[2] ? ["own", "owner"] : ["mixed", null],
      );
    }
  });
});

describe("a scope of somebody else's request in the same tenant", () => {
  it("can't be read from the activity of its session: it travels as a parameter", async () => {
    const scope = await tenant.rowScope("owner", user);
    // Held open by a table that the owner's request waits for.
    await inSession(async (client) => {
      await client.query("BEGIN");
      await client.query("LOCK TABLE groups IN ACCESS EXCLUSIVE MODE");
      const victim = tenant.database.transaction([
        sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
        sql`SELECT count(*) FROM groups`,
      ]);
      const seen = await inSession(async (spy) => {
        for (;;) {
          const { rows } = await spy.query<{ query: string }>(
            `SELECT query FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'`,
          );
          if (rows.length > 0) break;
        }
        const everything = await spy.query<{ row: string }>(
          `SELECT a::text AS row FROM pg_stat_activity a UNION ALL SELECT s::text FROM pg_settings s
           UNION ALL SELECT p::text FROM pg_prepared_statements p UNION ALL SELECT c::text FROM pg_cursors c
           UNION ALL SELECT l::text FROM pg_locks l`,
        );
        return everything.rows.map(({ row }) => row).join("\n");
      });
      await client.query("ROLLBACK");
      await victim;
      expect(seen).toContain("SELECT count(*) FROM groups");
      expect(seen).not.toContain(scope.split(".")[1]);
      expect(seen).not.toContain(scope.split(".")[2]);
    });
  });

  it("is not left behind on the connection that the next request gets", async () => {
    const scope = await tenant.rowScope("owner", user);
    for (let use = 0; use < 20; use += 1) {
      await tenant.database.transaction([
        sql`SELECT set_config('sentinel.scope', ${scope}, ${use % 2 === 0})`,
        sql`SELECT count(*) FROM devices`,
      ]);
      const [row] = await tenant.database.query(
        sql`SELECT coalesce(current_setting('sentinel.scope', true), '') AS scope, scope_role() AS role,
              (SELECT count(*)::int FROM devices) AS devices`,
      );
      expect(row).toEqual({ scope: "", role: null, devices: 0 });
    }
  });
});

describe("rows that a viewer may not see", () => {
  const underViewer = async (text: string) => {
    const results = await tenant.database.transaction([
      sql`SELECT set_config('sentinel.scope', ${await tenant.rowScope("viewer", user)}, true)`,
      sql`${unsafeRawSql(text)}`,
    ]);
    return results[1];
  };

  it.each([
    ["a cast", "SELECT * FROM devices WHERE ('x' || token_sha256)::int = 1"],
    ["a division", "SELECT * FROM devices WHERE 1 / (length(name) - length(name)) = 1"],
    ["a pattern", "SELECT * FROM devices WHERE name ~ ('(' || name)"],
    ["an order", "SELECT * FROM devices ORDER BY ('x' || token_sha256)::int"],
    ["an aggregate", "SELECT sum(('x' || token_sha256)::int) FROM devices HAVING count(*) > 0"],
    ["a join", "SELECT * FROM devices d JOIN generate_series(1, 2) s ON ('x' || d.token_sha256)::int = s"],
    ["a row lock", "SELECT ('x' || token_sha256)::int FROM devices FOR UPDATE"],
    ["an update", "UPDATE devices SET name = name WHERE ('x' || token_sha256)::int = 1 RETURNING name"],
    ["a removal", "DELETE FROM devices WHERE ('x' || token_sha256)::int = 1 RETURNING name"],
    ["a sample", "SELECT ('x' || token_sha256)::int FROM devices TABLESAMPLE SYSTEM (100)"],
    ["a whole row", "SELECT ('x' || d::text)::int FROM devices d"],
    ["XML", "SELECT 1 WHERE table_to_xml('devices', true, true, '')::text LIKE '%<row%'"],
  ])("are not handed to %s, whose error or result would tell of them", async (_what, text) => {
    const under = await underViewer(text);
    expect(under).toEqual([]);
  });

  it("are not in the planner's statistics either", async () => {
    expect(await underViewer("SELECT * FROM pg_stats WHERE schemaname = current_schema()")).toEqual([]);
  });

  it("are not shown by a scope that arrives while the statement runs, unless it is one's own", async () => {
    const [forged] = forgeries;
    const text = `SELECT set_config('sentinel.scope', '${forged}', true), d.* FROM generate_series(1, 3) s LEFT JOIN devices d ON true`;
    const rows = (await underViewer(text)) ?? [];
    expect(rows.map((row) => row["id"])).toEqual([null, null, null]);
  });
});

import { request } from "node:http";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import {
  createDatabase,
  createInteractiveClient,
  DatabaseError,
  type Row,
  type Statement,
  sql,
  unsafeRawSql,
} from "../../../store/connect.ts";
import {
  connect,
  controlDatabase,
  directoryDatabase,
  type FreshTenant,
  fetchOverHttp,
  freshTenant,
  gateway,
  runAs,
  setup,
} from "../support.ts";

const controlConfig = { url: setup.controlUrl, gateway };

async function failure(work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  return error as DatabaseError;
}

/** A request as a program other than the driver would send it. */
function post(
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const [host, port] = gateway.split(":");
  return new Promise((done, fail) => {
    const sent = request({ host, port, path: "/sql", method: "POST", headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => done({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    sent.on("error", fail);
    sent.end(body);
  });
}
const rawHeaders = {
  "Neon-Connection-String": setup.controlUrl,
  "Neon-Raw-Text-Output": "true",
  "Neon-Array-Mode": "true",
};

/** Tests ask the gateway's code in their own process; here also where it listens, and the same is claimed of both. */
const ways = [
  ["over HTTP", fetchOverHttp],
  ["in the process that asks", globalThis.fetch],
] as const;

beforeAll(() => {
  vi.stubGlobal("fetch", fetchOverHttp);
});

describe.each(ways)("the protocol of statements, through the real driver, %s", (_way, way) => {
  beforeAll(() => {
    vi.stubGlobal("fetch", way);
    return () => vi.stubGlobal("fetch", fetchOverHttp);
  });

  it("returns each type as the driver parses it", async () => {
    const [row] = await controlDatabase.query(sql`
      SELECT ${7}::int AS int, ${"x'\"\\"}::text AS text, ${true}::bool AS bool, null AS nothing, 1.50::numeric AS numeric,
        ${JSON.stringify({ a: [1, null] })}::jsonb AS json, ${["p", "q,r"]}::text[] AS list,
        '2026-01-02T03:04:05.678Z'::timestamptz AS at, ${new Uint8Array([0, 255])}::bytea AS bytes`);
    expect(row).toMatchObject({
      int: 7,
      text: "x'\"\\",
      bool: true,
      nothing: null,
      numeric: "1.50",
      json: { a: [1, null] },
      list: ["p", "q,r"],
      at: new Date("2026-01-02T03:04:05.678Z"),
    });
    expect(Array.from(row?.["bytes"] as Uint8Array)).toEqual([0, 255]);
  });

  it("runs a batch as one transaction: a failing statement undoes those before it", async () => {
    const id = `req_${crypto.randomUUID()}`;
    const insert = sql`INSERT INTO control.operation_receipts (request_id) VALUES (${id})`;
    expect((await failure(controlDatabase.transaction([insert, sql`SELECT 1 / 0`]))).code).toBe("22012");
    expect(await controlDatabase.query(sql`SELECT 1 FROM control.operation_receipts WHERE request_id = ${id}`)).toEqual(
      [],
    );
  });

  it("gives SQLSTATE and constraint of a refusal, and calls it refused", async () => {
    const id = `req_${crypto.randomUUID()}`;
    const insert = sql`INSERT INTO control.operation_receipts (request_id) VALUES (${id})`;
    await controlDatabase.query(insert);
    expect(await failure(controlDatabase.query(insert))).toMatchObject({
      code: "23505",
      constraint: "operation_receipts_pkey",
      kind: "refused",
      unreachable: false,
    });
  });

  it("refuses a write in a transaction that was opened for reading", async () => {
    const write = sql`INSERT INTO control.operation_receipts (request_id) VALUES ('never')`;
    expect((await failure(controlDatabase.query(write, { readOnly: true }))).code).toBe("25006");
  });

  it("takes exactly one statement in each place, so an injected COMMIT has nowhere to stand", async () => {
    expect((await failure(controlDatabase.query(sql`SELECT ${unsafeRawSql("1; COMMIT; SELECT 2")}`))).code).toBe(
      "42601",
    );
  });

  it("authenticates each role itself: a wrong password is a refused login", async () => {
    const wrong = setup.controlUrl.replace(/:[^:@]+@/, ":wrong@");
    expect(await failure(createDatabase({ url: wrong, gateway }).query(sql`SELECT 1`))).toMatchObject({
      code: "28P01",
      loginRefused: true,
    });
  });

  it("keeps a pool per password: a right one before opens nothing for a wrong one", async () => {
    await controlDatabase.query(sql`SELECT 1`);
    const wrong = setup.controlUrl.replace(/:[^:@]+@/, ":wrong@");
    expect((await failure(createDatabase({ url: wrong, gateway }).query(sql`SELECT 1`))).loginRefused).toBe(true);
  });

  it("calls a gateway that is not there unreachable, and says nothing of the address", async () => {
    const error = await failure(createDatabase({ url: setup.controlUrl, gateway: "127.0.0.1:1" }).query(sql`SELECT 1`));
    expect(error).toMatchObject({ unreachable: true, code: null });
    expect(error.message).not.toContain(new URL(setup.controlUrl).password);
  });

  it("gives up on a statement after its time and calls that unreachable: the outcome is not known", async () => {
    expect(await failure(controlDatabase.query(sql`SELECT pg_sleep(20)`, { timeoutMs: 100 }))).toMatchObject({
      unreachable: true,
    });
  });
});

describe("the HTTP protocol", () => {
  it("reaches no host but its clusters", async () => {
    for (const host of ["127.0.0.1:5432", "localhost:1", "example.com", "[::1]:1"]) {
      const url = `postgres://a:b@${host}/sentinel`;
      const answer = await post({ ...rawHeaders, "Neon-Connection-String": url }, '{"query":"SELECT 1"}');
      expect(answer).toMatchObject({ status: 400, body: { message: "unknown host" } });
    }
  });

  it.each([
    ["no connection string", { "Neon-Connection-String": "" }, '{"query":"SELECT 1"}'],
    [
      "a role without a password",
      { "Neon-Connection-String": setup.controlUrl.replace(/:[^:@]+@/, "@") },
      '{"query":"SELECT 1"}',
    ],
    ["an unknown isolation level", { "Neon-Batch-Isolation-Level": "Wild" }, '{"queries":[]}'],
    ["a flag that is neither true nor false", { "Neon-Batch-Read-Only": "maybe" }, '{"queries":[]}'],
    ["a body that is no JSON", {}, "SELECT 1"],
    ["a query that is no text", {}, '{"query":5}'],
  ])("refuses %s", async (_what, headers, body) => {
    expect((await post({ ...rawHeaders, ...headers }, body)).status).toBe(400);
  });
});

describe.each(ways)("a connection lent to one request after another, %s", (_way, way) => {
  beforeAll(() => {
    vi.stubGlobal("fetch", way);
    return () => vi.stubGlobal("fetch", fetchOverHttp);
  });

  const backend = sql`SELECT pg_backend_pid() AS pid`;

  /** What a later request finds on the very connection on which an earlier one ran `leave`. */
  async function afterwards(leave: Statement[], look: Statement, tenant?: FreshTenant): Promise<Row[]> {
    const { database } = tenant ?? (await freshTenant());
    const [before] = await database.transaction([backend, ...leave]);
    for (let attempt = 0; attempt < 100; attempt += 1) {
      // The pool may open a second connection while the first is being cleaned.
      const [after, found] = await database.transaction([backend, look]);
      if (after?.[0]?.["pid"] === before?.[0]?.["pid"]) return found ?? [];
    }
    throw new Error("the connection was never lent again");
  }

  it("has forgotten its search_path", async () => {
    const tenant = await freshTenant();
    const rows = await afterwards([sql`SET search_path = pg_catalog`], sql`SHOW search_path`, tenant);
    expect(rows).toEqual([{ search_path: tenant.name }]);
  });

  it("has forgotten a setting, a row scope among them", async () => {
    const rows = await afterwards(
      [sql`SELECT set_config('sentinel.scope', 'left behind', false), set_config('work_mem', '64kB', false)`],
      sql`SELECT current_setting('sentinel.scope', true) AS scope, current_setting('work_mem') AS work_mem`,
    );
    expect(rows).toEqual([{ scope: "", work_mem: "4MB" }]);
  });

  it("holds no advisory lock", async () => {
    const rows = await afterwards(
      [sql`SELECT pg_advisory_lock(424242)`],
      sql`SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory' AND objid = 424242`,
    );
    expect(rows).toEqual([{ held: 0 }]);
  });

  it("has no prepared statement", async () => {
    const rows = await afterwards([sql`PREPARE left_behind AS SELECT 1`], sql`SELECT name FROM pg_prepared_statements`);
    expect(rows).toEqual([]);
  });

  it("is in no transaction that a request left open", async () => {
    const tenant = await freshTenant();
    await failure(tenant.database.transaction([sql`SELECT 1 / 0`]));
    for (let index = 0; index < 3; index += 1) {
      expect(await tenant.database.query(sql`SELECT 1 AS fine`)).toEqual([{ fine: 1 }]);
    }
  });
});

describe("many roles at once", () => {
  it("do not use up the server's connections: those that are idle make room", async () => {
    const owner = await connect(setup.ownerUrls["second"]!);
    const names = Array.from({ length: 220 }, (_, index) => `crowd_${index}_${crypto.randomUUID().slice(0, 8)}`);
    await owner.query(
      names
        .map((name) => `CREATE ROLE ${name} LOGIN PASSWORD 'crowd'; GRANT CONNECT ON DATABASE sentinel TO ${name};`)
        .join("\n"),
    );
    const { host } = new URL(setup.ownerUrls["second"]!);
    for (const name of names) {
      const database = createDatabase({ url: `postgres://${name}:crowd@${host}/sentinel`, gateway });
      expect(await database.query(sql`SELECT current_user::text AS me`)).toEqual([{ me: name }]);
    }
    await owner.query(
      names.map((name) => `REVOKE ALL ON DATABASE sentinel FROM ${name}; DROP ROLE ${name};`).join("\n"),
    );
    await owner.end();
  });
});

describe("the WebSocket protocol, through the real driver", () => {
  it("carries an interactive transaction, with SCRAM done by the client itself", async () => {
    const client = createInteractiveClient(controlConfig);
    await client.connect();
    await client.query("BEGIN");
    expect((await client.query("SELECT current_user AS me, $1::int AS n", [3])).rows).toEqual([
      { me: "sentinel_control", n: 3 },
    ]);
    await client.query("ROLLBACK");
    await client.end();
  });

  it("refuses a wrong password", async () => {
    const client = createInteractiveClient({ ...controlConfig, url: setup.controlUrl.replace(/:[^:@]+@/, ":wrong@") });
    client.on("error", () => undefined);
    await expect(client.connect()).rejects.toMatchObject({ code: "28P01" });
  });

  const upgradeStatus = (path: string, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((done, fail) => {
      const socket = new WebSocket(`ws://${gateway}${path}`, { headers });
      socket.on("unexpected-response", (_request, response) => done(response.statusCode ?? 0));
      socket.on("open", () => {
        socket.close();
        done(101);
      });
      socket.on("error", fail);
    });
  const cluster = new URL(setup.controlUrl).host;

  it("is no open proxy: other addresses, paths and pages in a browser get 403", async () => {
    expect(await upgradeStatus(`/v1?address=${cluster}`)).toBe(101);
    expect(await upgradeStatus("/v1?address=127.0.0.1:22")).toBe(403);
    expect(await upgradeStatus("/v1?address=example.com:443")).toBe(403);
    expect(await upgradeStatus("/v1")).toBe(403);
    expect(await upgradeStatus(`/other?address=${cluster}`)).toBe(403);
    expect(await upgradeStatus(`/v1?address=${cluster}`, { Origin: "https://evil.example" })).toBe(403);
  });
});

describe("the control plane's roles", () => {
  it("are no superusers, and none but the owner, whom no Worker knows, bypasses row security", async () => {
    const rows = await runAs(
      setup.ownerUrls["first"]!,
      "SELECT rolname, rolsuper OR rolreplication AS more FROM pg_roles WHERE rolname LIKE 'sentinel%' AND (rolsuper OR rolbypassrls OR rolreplication)",
    );
    expect(rows).toEqual([{ rolname: "sentinel_owner", more: false }]);
  });

  it("give the directory what it reads and nothing of people", async () => {
    expect((await failure(directoryDatabase.query(sql`SELECT * FROM control.users`))).code).toBe("42501");
    expect((await failure(directoryDatabase.query(sql`DELETE FROM control.organisation_placements`))).code).toBe(
      "42501",
    );
    expect(
      (await failure(directoryDatabase.query(sql`UPDATE control.organisation_placements SET placement = 'second'`)))
        .code,
    ).toBe("42501");
    expect((await failure(directoryDatabase.query(sql`SELECT * FROM audit.events`))).code).toBe("42501");
  });
});

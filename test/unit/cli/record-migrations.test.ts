import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import { recordMigrations } from "../../../scripts/cli/record-migrations.ts";
import type { Flags } from "../../../scripts/cli/verb.ts";
import type { PlannedTenant } from "../../../scripts/migrate/tenants/plan.ts";

const [first, second] = ["org_01jd3x2k8hf9v8v3k4m5n6p7q8", "org_01jd3x2k8hf9v8v3k4m5n6p7q9"] as [OrgId, OrgId];
let asked: { path: string; body: unknown }[] = [];
let statuses: number[] = [];
let server: Server;
let flags: Flags;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "sentinel-migrations-"));
  const tokenFile = join(dir, "token");
  writeFileSync(tokenFile, `sop_${"t".repeat(43)}`);
  chmodSync(tokenFile, 0o600);
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    asked.push({ path: request.url ?? "", body: JSON.parse(body) });
    const status = statuses.shift() ?? 204;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(status === 204 ? undefined : JSON.stringify({ code: "not_found", title: "Not found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  flags = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, "token-file": tokenFile };
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  asked = [];
  statuses = [];
});

const tenant = (org: OrgId, number: number) =>
  ({ org, number, placement: "one", name: "x" }) as unknown as PlannedTenant;
const failure = { file: "0009_x.sql", code: "23505", message: "no" };
function runOf(with_: Flags) {
  const shown: string[] = [];
  const recorder = recordMigrations(with_, 9, { planned: () => undefined, outcome: ({ org }) => void shown.push(org) });
  recorder.progress.outcome(tenant(first, 7), { kind: "busy", ...failure });
  recorder.progress.outcome(tenant(first, 7), { kind: "migrated", number: 9 });
  recorder.progress.outcome(tenant(second, 8), { kind: "failed", ...failure });
  return { recorder, shown };
}

it("tells each organisation's log what became of its schema, after the run and once", async () => {
  const { recorder, shown } = runOf(flags);
  expect([shown, asked]).toEqual([[first, first, second], []]);
  expect(await recorder.send()).toBeNull();
  expect(asked).toEqual([
    {
      path: `/api/v1/operator/orgs/${first}/migrations/record`,
      body: { from_version: 7, to_version: 9, action: "applied" },
    },
    {
      path: `/api/v1/operator/orgs/${second}/migrations/record`,
      body: { from_version: 8, to_version: 9, action: "refused" },
    },
  ]);
});

it("says that the rest is on no record, and undoes nothing for it", async () => {
  statuses = [404];
  expect(await runOf(flags).recorder.send()).toContain("not everything is in the audit log");
  expect(asked).toHaveLength(1);
});

it("tells nobody where only a database is named", async () => {
  expect(await runOf({}).recorder.send()).toBeNull();
  expect(asked).toEqual([]);
});

import { type OrgId, parseId } from "../../../core/ids.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { rows } from "../database.ts";
import type { LogFollower, LogRow } from "./follow.ts";

/** Rows in memory at once. */
const pageRows = 5000;

/** What a stack's Postgres servers say of requests, seen by their owners. Connections are made anew for each look. */
export interface AuditDatabase {
  /** Gives a follower what came since its last look. @returns what is wrong */
  follow(follower: LogFollower): Promise<string | null>;
  /** Requests whose work was committed. */
  receipts(): Promise<Set<string>>;
  groups(): Promise<number>;
  commands(): Promise<number>;
}

/** @param urls of the placements, the first of which holds the control plane too */
export async function openAuditDatabase(urls: readonly string[], org: string): Promise<AuditDatabase> {
  const schema = tenantIdentifier(parseId("org", org) as OrgId);
  const holds = async (url: string, relation: string): Promise<boolean> => {
    const [row] = await rows<{ found: boolean }>(url, "SELECT to_regclass($1) IS NOT NULL AS found", [relation]);
    return row?.found === true;
  };
  let tenantUrl = "";
  let controlUrl = "";
  for (const url of urls) {
    // The owner made the provisioner's role and may take its rights; tenants' schemas are its.
    await rows(url, "GRANT sentinel_provisioner TO CURRENT_USER WITH INHERIT TRUE");
    if (await holds(url, `${schema}.groups`)) tenantUrl = url;
    if (await holds(url, "control.operation_receipts")) controlUrl = url;
  }
  if (tenantUrl === "" || controlUrl === "")
    throw new Error("no placement holds the organisation or the control plane");
  const count = async (table: string): Promise<number> => {
    const [row] = await rows<{ count: number }>(tenantUrl, `SELECT count(*)::int AS count FROM ${schema}.${table}`);
    return row?.count ?? 0;
  };
  return {
    follow: async (follower) => {
      for (const url of urls) {
        const logs = await rows<{ log: string }>(url, "SELECT DISTINCT log FROM audit.events ORDER BY log");
        for (const { log } of logs) {
          for (;;) {
            const next = await rows<LogRow>(url, nextRows, [log, follower.lastOf(log)]);
            const problem = follower.take(next);
            if (problem !== null) return problem;
            if (next.length < pageRows) break;
          }
        }
      }
      return null;
    },
    receipts: async () => {
      const query = (table: string): string => `SELECT request_id FROM ${table}`;
      const all = await Promise.all([
        rows<{ request_id: string }>(controlUrl, query("control.operation_receipts")),
        rows<{ request_id: string }>(tenantUrl, query(`${schema}.operation_receipts`)),
      ]);
      return new Set(all.flat().map((row) => row.request_id));
    },
    groups: () => count("groups"),
    commands: () => count("commands"),
  };
}

const nextRows = `
  SELECT log, seq::int, request_id, phase, intent_seq::int, result, type,
         leaf_json::json -> 'event' ->> 'endpoint' AS endpoint,
         (leaf_json::json -> 'event' ->> 'status_code')::int AS status
  FROM audit.events WHERE log = $1 AND seq > $2 ORDER BY seq, occurred_at LIMIT ${pageRows}`;

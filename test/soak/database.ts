import { Client } from "pg";
import { type OrgId, parseId } from "../../core/ids.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { type LogReport, verifyDatabase } from "../../scripts/cli/audit/verify-database.ts";
import { readSnapshot } from "../../scripts/cli/database.ts";

export interface StoredSample {
  readonly device_id: string;
  readonly sample_id: string;
  /** The hub's clock, milliseconds. */
  readonly received_ms: string;
}

export interface StoredEvent {
  readonly seq: number;
  readonly request_id: string;
  readonly phase: "event" | "intent" | "outcome";
  readonly intent_seq: number | null;
  readonly result: string | null;
  readonly status: number | null;
}

/** What Postgres holds of one organisation, seen by the owner of its placement. */
export interface OrganisationDatabase {
  samples(): Promise<StoredSample[]>;
  sampleCount(): Promise<number>;
  events(): Promise<StoredEvent[]>;
  /** As `sentinel audit verify-leaves` judges the organisation's log. */
  verifyLeaves(): Promise<LogReport>;
}

/** Finds the placement of an organisation. Connections are made anew for each look: Postgres may die between. */
export async function openOrganisation(
  urls: Readonly<Record<string, string>>,
  org: string,
): Promise<OrganisationDatabase> {
  const schema = tenantIdentifier(parseId("org", org) as OrgId);
  for (const url of Object.values(urls)) {
    const found = await rows(url, "SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
    if (found.length === 0) continue;
    // The owner made the provisioner's role and may take its rights; tenants' schemas are its.
    await rows(url, "GRANT sentinel_provisioner TO CURRENT_USER WITH INHERIT TRUE");
    return {
      samples: () =>
        rows(
          url,
          `SELECT device_id, sample_id, round(extract(epoch FROM received_at) * 1000)::text AS received_ms FROM ${schema}.telemetry`,
        ),
      sampleCount: async () => {
        const [row] = await rows<{ count: number }>(url, `SELECT count(*)::int AS count FROM ${schema}.telemetry`);
        return row?.count ?? 0;
      },
      events: () =>
        rows(
          url,
          `SELECT seq::int, request_id, phase, intent_seq::int, result,
                  (leaf_json::json -> 'event' ->> 'status_code')::int AS status
           FROM audit.events WHERE log = $1 ORDER BY seq, occurred_at`,
          [org],
        ),
      verifyLeaves: () =>
        readSnapshot("the placement", url, async (client) => {
          let found: LogReport | null = null;
          await verifyDatabase(client, org, (report) => {
            found = report;
          });
          if (found === null) throw new Error(`no entry of ${org}`);
          return found;
        }),
    };
  }
  throw new Error(`no placement holds ${org}`);
}

/** One statement on a connection of its own. */
export async function rows<T = Record<string, unknown>>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as T[];
  } finally {
    await client.end();
  }
}
